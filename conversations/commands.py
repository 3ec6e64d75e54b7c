"""What the command palette offers beside conversations: places, and things that can be done."""

from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext as _

from accounts.models import User
from conversations.entries import Entry
from conversations.models import Conversation


def sections() -> list[Entry]:
    """Pages of packages that this one does not know; what does not exist is not offered."""
    known = (
        ("/c/prompts/", _("Prompts"), "pencil", _("saved library")),
        ("/settings/appearance/", _("Appearance"), "gear", _("settings theme")),
        ("/settings/language/", _("Language"), "gear", _("settings")),
        ("/settings/security/", _("Security"), "shield", _("settings password factor passkey")),
        ("/settings/sessions/", _("Sessions"), "gear", _("settings devices")),
        ("/settings/usage/", _("Usage"), "gear", _("settings cost spending budget tokens")),
        ("/settings/webhooks/", _("Webhooks"), "link", _("settings")),
    )
    return [Entry(label, icon, url=path, also=also) for path, label, icon, also in known if _exists(path)]


def _exists(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def places(user: User) -> list[Entry]:
    """Where one can go, and what the page can do wherever one is."""
    new = reverse("conversations:new")
    entries = [
        Entry(_("New conversation"), "plus", url=new, also=_("chat start"), keys=("Ctrl", "Shift", "O")),
        Entry(_("Temporary conversation"), "hourglass", url=f"{new}?temporary=on", also=_("new chat private")),
        Entry(_("Choose the agent"), "agent", act="picker", also=_("model switch")),
        Entry(_("Copy the last answer"), "copy", act="copy", keys=("Ctrl", "Shift", "C")),
        Entry(_("Agents"), "agent", url=reverse("agents:list")),
        Entry(_("New agent"), "plus", url=reverse("agents:new"), also=_("add create")),
        Entry(_("Providers"), "plug", url=reverse("providers:list"), also=_("keys models")),
        Entry(_("New provider"), "plus", url=reverse("providers:new"), also=_("add create key")),
        Entry(_("Settings"), "gear", url=reverse("accounts:settings"), also=_("preferences account profile name")),
        *sections(),
        Entry(_("API tokens"), "gear", url=reverse("accounts:tokens"), also=_("settings keys")),
        Entry(_("Change the password"), "gear", url=reverse("account_change_password"), also=_("settings")),
        Entry(_("Archive"), "archive", url=reverse("conversations:archived")),
        Entry(_("Trash"), "trash", url=reverse("conversations:trash"), also=_("deleted restore")),
        Entry(_("Import and export"), "upload", url=reverse("conversations:import"), also=_("backup download upload")),
        Entry(_("New folder"), "folder", url=reverse("conversations:new-folder"), also=_("add create project")),
        Entry(_("Show or hide the conversations"), "sidebar", act="rail", also=_("sidebar list"), keys=("Ctrl", "B")),
        Entry(_("Keyboard shortcuts"), "keyboard", act="sheet", also=_("keys help"), keys=("Ctrl", "/")),
    ]
    if user.is_staff:
        entries.append(Entry(_("Administration"), "shield", url=reverse("admin:index"), also=_("admin operator")))
    entries.append(Entry(_("Log out"), "leave", post=reverse("account_logout"), also=_("sign leave")))
    return entries


def appearances(user: User) -> list[Entry]:
    """Themes and contrast; the present ones are marked."""
    icons = {User.Theme.SYSTEM: "screen", User.Theme.LIGHT: "sun", User.Theme.DARK: "moon"}
    labels = {
        User.Theme.SYSTEM: _("Theme of the system"),
        User.Theme.LIGHT: _("Light theme"),
        User.Theme.DARK: _("Dark theme"),
    }
    also = _("appearance mode colours theme")
    themes = [
        Entry(labels[theme], icons[theme], act=f"theme-{theme}", also=also, is_on=user.theme == theme)
        for theme in User.Theme
    ]
    contrast = Entry(_("High contrast"), "contrast", act="contrast", also=also, is_on=user.high_contrast)
    return [*themes, contrast]


def deeds(conversation: Conversation) -> list[Entry]:
    """What can be done with the conversation on the page."""

    def address(name: str) -> str:
        return reverse(f"conversations:{name}", args=[conversation.pk])

    here = _("this conversation")
    pin = _("Unpin") if conversation.is_pinned else _("Pin")
    archive = _("Put back from the archive") if conversation.is_archived else _("Archive this conversation")
    return [
        Entry(_("Rename"), "pencil", url=address("rename"), also=f"{here} {_('title')}", is_rename=True),
        Entry(pin, "pin", post=address("pin"), also=here),
        Entry(archive, "archive", post=address("archive"), also=here),
        Entry(_("Share"), "link", url=address("share"), also=f"{here} {_('link public')}"),
        Entry(_("Print view"), "printer", url=address("print"), also=f"{here} {_('paper')}"),
        Entry(_("Delete this conversation"), "trash", post=address("delete"), also=_("trash remove")),
    ]
