"""What is told of the way to an answer, in English: ``sentences.py`` says it in the language of the reader."""

from typing import Final

from django.utils.translation import gettext_noop as _

NO_CHAT_MODEL: Final = _("{provider} lists no model that can chat.")
AGAIN_SOON: Final = _("Trying again in {seconds} s ({attempt} of {attempts}).")
AGAIN_SHORTER: Final = _("Trying again with half of its messages.")
ELSEWHERE: Final = _("Trying {model} at {provider} instead.")
INTERRUPTED: Final = _("The answer was interrupted because the server stopped.")
INTERRUPTED_HINT: Final = _("What had arrived was kept. Continue or regenerate to get a whole answer.")
DROPPED: Final = _("{model} does not take {names}; left out.")

# By whether it is a single one, and whether there was no room (else there is a highest number).
MESSAGES_LEFT_OUT: Final = {
    (True, True): _("1 earlier message was not sent: the model's context holds no more."),
    (True, False): _("1 earlier message was not sent: only the last {limit} are."),
    (False, True): _("{count} earlier messages were not sent: the model's context holds no more."),
    (False, False): _("{count} earlier messages were not sent: only the last {limit} are."),
}
# By whether it is a single one, and whether others were sent (else the model takes none).
PICTURES_LEFT_OUT: Final = {
    (True, True): _("1 picture was left out: only the last {sent} fit into a question."),
    (True, False): _("1 picture was left out: {model} takes none."),
    (False, True): _("{count} pictures were left out: only the last {sent} fit into a question."),
    (False, False): _("{count} pictures were left out: {model} takes none."),
}
ALL: Final = (
    NO_CHAT_MODEL, AGAIN_SOON, AGAIN_SHORTER, ELSEWHERE, INTERRUPTED, INTERRUPTED_HINT, DROPPED,
    *MESSAGES_LEFT_OUT.values(), *PICTURES_LEFT_OUT.values(),
)  # fmt: skip
