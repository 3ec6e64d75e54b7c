"""Texts with which a model, or whoever speaks through it, may try to get out of its answer.

``RAN`` stands for what must never run, ``OUT`` for an address that must never be asked.
"""

from itertools import product

from tests.conversations.payloads import PAYLOADS

RAN = "window.ran=1"
BLANKS = ("", "\t", "\u00a0", "\u2003", "&Tab;", "&NewLine;", "&#x09;", "&#0;", "&#x1;", "%0a", "\u200b", "\u00ad")
SCHEMES = ("javascript", "vbscript", "data", "livescript", "blob", "filesystem", "file", "intent", "ws")
# What our own modules and htmx look for, and what a page reads by name.
HOOKS = (
    "hx-get=OUT", "hx-post=OUT hx-trigger=load", "data-hx-get=OUT data-hx-trigger=load", "hx-on:load=RAN", "hx-ext=x",
    "hx-swap-oob=true id=transcript", "hx-vals=js:RAN", "data-menu=OUT", "data-copy-code", "data-copy-message",
    "data-stop-button", "data-to-end", "data-edit action=OUT", "data-edit-link", "data-cancel-edit", "data-older",
    "data-from=OUT", "data-message=x data-status=running", "data-elsewhere=x", "data-url=OUT", "data-socket=OUT",
    "data-draft=OUT", "data-leave=OUT", "data-body", "data-tail", "data-ending", "data-delete-message", "data-scroll",
)  # fmt: skip
NAMES = (
    "body", "head", "forms", "cookie", "location", "composer", "composer-text", "transcript", "words", "announcer",
    "act", "csrfmiddlewaretoken", "getElementById", "querySelector", "message-menu", "receipt", "mold-user", "content",
    "htmx",
)  # fmt: skip
FETCHES = (
    "<img src=OUT>", "<img srcset='OUT 1x'>", "<picture><source srcset=OUT><img></picture>", "<video poster=OUT>",
    "<link rel=icon href=OUT>", "<link rel=prefetch href=OUT>", "<link rel=dns-prefetch href=OUT>",
    "<style>@import 'OUT';</style>", "<style>body{background:url(OUT)}</style>", "<p style='background:url(OUT)'>x</p>",
    "<table background=OUT><tr><td>x</td></tr></table>", "<input type=image src=OUT>", "<svg><image href=OUT /></svg>",
    "<svg><use href='OUT#x'/></svg>", "<math><mi xlink:href=OUT>x</mi></math>", "<audio src=OUT autoplay></audio>",
    "<iframe src=OUT></iframe>", "<object data=OUT></object>", "<embed src=OUT>", "<script src=OUT></script>",
    "<script type=module>import 'OUT'</script>", "<base href=OUT>", "<meta http-equiv=refresh content='0;url=OUT'>",
    "<form action=OUT id=composer><button>Send</button></form>", "<a ping=OUT href=OUT>x</a>", "![x](OUT)",
    "![x][o]\n\n[o]: OUT",
    "<body background=OUT>", "<frameset><frame src=OUT></frameset>", "<track src=OUT>", "<applet code=OUT></applet>",
)  # fmt: skip
MARKS = (
    "\u202e\u202d\u2067" * 40 + "reversed",
    "\u2066" * 300 + "isolated",
    "\u200b" * 3000 + "x",
    "\u0301" * 500,
    "[https://\u0430\u0440\u0440\u04cf\u0435.com](http://xn--80ak6aa92e.com)",
    "\ufeff\u2060\u180e\u00ad",
    "a" * 5000,
    "\u0600\u06dd" * 50,
    "\ufdfd" * 200,
    "``` ```\n<script>RAN</script>",
    "````\n```\n<img src=x onerror=RAN>",
    "~~~\n```\n~~~\n<svg onload=RAN>",
    "<div style='position:fixed;inset:0;z-index:9999;background:red'>x</div>",
    "<p class='composer shell visually-hidden'>x</p>",
    "<p hidden popover id=x>x</p><button popovertarget=x>y</button>",
    "<dialog open>x</dialog>",
    "<p contenteditable>x</p>",
    "<p tabindex=1 autofocus accesskey=s>x</p>",
    "<p slot=x is=y part=z>x</p>",
    "<p onclick=RAN onfocus=RAN autofocus tabindex=0>x</p>",
    "<math><annotation-xml encoding='text/html'><iframe src=OUT></iframe></annotation-xml></math>",
    "<math><mi href='javascript:RAN'>x</mi></math>",
    "<svg><animate onbegin=RAN attributeName=x dur=1s>",
    "<svg><set attributeName=href to='javascript:RAN'>",
    "<svg><foreignObject><img src=x onerror=RAN></foreignObject></svg>",
    "$\\require{html}\\href{javascript:RAN}{x}$",
)


def hostile(outside: str) -> list[str]:
    """All of them, aimed at an address of the test's own."""
    texts = [
        *PAYLOADS,
        *(f"[x]({scheme}{blank}:RAN)" for scheme, blank in product(SCHEMES[:3], BLANKS)),
        *(f"[x]({blank}javascript:RAN)" for blank in BLANKS),
        *(f"<{scheme}:RAN> [y](&#{ord(scheme[0])};{scheme[1:]}:RAN)" for scheme in SCHEMES),
        *(f"<p {hook}>x</p>" for hook in HOOKS),
        *(f"<p id={name}>x</p><img name={name}><form name={name}><input id={name}></form>" for name in NAMES),
        *FETCHES,
        *MARKS,
    ]
    clean = [text.encode("utf-8", "replace").decode().replace("\0", "") for text in texts]
    return [
        text.replace("https://evil.example", outside)
        .replace("//evil.example", outside.removeprefix("http:"))
        .replace("OUT", outside + "/out")
        .replace("alert(1)", RAN)
        .replace("RAN", RAN)
        for text in clean
    ]


DEEP = (
    ">" * 10_000 + " quoted",
    "- " * 10_000 + "listed",
    "*" * 10_000 + "strong" + "*" * 10_000,
    "_a " * 5_000,
    "[" * 50_000,
    "![" * 5_000,
    "|" * 5_000 + "\n" + "-|" * 2_500,
    "`" * 9_999 + " ticks",
)
