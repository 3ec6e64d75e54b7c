"""Every exception of the libraries below the adapters has one meaning here, and a new one is noticed."""

import importlib
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType

import anthropic
import httpcore2
import httpx2
import openai
import pytest
from anthropic._error_classes import ERROR_CLASSES

from providers.adapters import failures
from providers.network import TRANSPORT_ERRORS
from tests.providers.wire import config

LIBRARIES = ("openai", "anthropic", "httpx2", "httpcore2")
CONFIG = config("http://127.0.0.1:1")
REQUEST = httpx2.Request("POST", "http://127.0.0.1:1/v1")

# What no call of ours can raise: other features of the SDKs, and what the SDK raises about its own use.
ELSEWHERE: Mapping[str, str] = {
    "openai": """
        APIRemovedInV1 AgentFilePreparationError AgentFileStagingError AgentOutputParseError AgentTurnResultError
        BrowserCancelledError BrowserError ComputerUseError DecisionsToolRunnerCancelledError DecisionsToolRunnerError
        InvalidWebhookSignatureError MissingDependencyError MissingStreamClassError MutuallyExclusiveAuthError
        ResponsesWebSocketBufferError ResponsesWebSocketError SubjectTokenProviderError ToolRunnerCancelledError
        ToolRunnerError WebSocketConnectionClosedError WebSocketQueueFullError _AmbiguousModuleClientUsageError
        _TransientTokenExchangeError
    """,
    "anthropic": """
        APIWebhookValidationError AsyncOnSyncToolsetError BrowserStateError ConfirmDeclinedError ConfirmFailedError
        CredentialsError DisabledMemberError FileStoreError IdentityTokenFileError InvalidMemberInputError
        MissingDependencyError MissingStreamClassError MutuallyExclusiveAuthError NestedCallError SessionMemoryError
        SyncOnAsyncToolsetError TabMissingError ToolError ToolsetClosedError ToolsetConfigError ToolsetContractError
        ToolsetUsageError ToolsetsFixedError URLRefusedError UnavailableMemberError UnknownMemberError
        UploadNoRootsError UploadOutsideRootsError UploadRefusedError WorkloadIdentityError _NonObjectPayloadError
    """,
    "httpx2": "HTTPXDeprecationWarning",
    "httpcore2": "ConnectionNotAvailable",  # between the pool and its connections
}
# Raised for a status; what the body says decides, and these are the statuses without a body.
BY_STATUS: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "openai": {
        "BadRequestError": (400, "invalid_request"),
        "AuthenticationError": (401, "auth_failed"),
        "OAuthError": (401, "auth_failed"),
        "PermissionDeniedError": (403, "permission_denied"),
        "NotFoundError": (404, "invalid_request"),
        "ConflictError": (409, "invalid_request"),
        "UnprocessableEntityError": (422, "invalid_request"),
        "RateLimitError": (429, "rate_limit"),
        "InternalServerError": (500, "server_error"),
        "APIStatusError": (418, "invalid_request"),
    },
    "anthropic": {
        "BadRequestError": (400, "invalid_request"),
        "AuthenticationError": (401, "auth_failed"),
        "PaymentRequiredError": (402, "quota_exceeded"),
        "PermissionDeniedError": (403, "permission_denied"),
        "NotFoundError": (404, "invalid_request"),
        "RequestTimeoutError": (408, "timeout"),
        "ConflictError": (409, "invalid_request"),
        "PreconditionFailedError": (412, "invalid_request"),
        "ContentTooLargeError": (413, "context_length"),
        "UnprocessableEntityError": (422, "invalid_request"),
        "RateLimitError": (429, "rate_limit"),
        "RequestHeaderFieldsTooLargeError": (431, "invalid_request"),
        "ClientClosedRequestError": (499, "connection_failed"),
        "InternalServerError": (500, "server_error"),
        "HTTPNotImplementedError": (501, "invalid_request"),
        "ServiceUnavailableError": (503, "overloaded"),
        "GatewayTimeoutError": (504, "timeout"),
        "OverloadedError": (529, "overloaded"),
        "APIStatusError": (418, "invalid_request"),
    },
}
DIRECT: Mapping[str, Mapping[str, str]] = {
    "openai": {
        "connection_failed": "APIConnectionError",
        "timeout": "APITimeoutError",
        "bad_response": "APIResponseValidationError",
        "incomplete": "LengthFinishReasonError",
        "content_filtered": "ContentFilterFinishReasonError",
        "invalid_request": "APIError OpenAIError StreamAlreadyConsumed",
    },
    "anthropic": {
        "connection_failed": "APIConnectionError",
        "timeout": "APITimeoutError",
        "bad_response": "APIResponseValidationError",
        "invalid_request": "APIError AnthropicError RetryableError StreamAlreadyConsumed",
    },
    "httpx2": {
        "connection_failed": """
            CloseError ConnectError HTTPError HTTPStatusError NetworkError ProtocolError ProxyError ReadError
            RequestError TransportError WriteError
        """,
        "timeout": "ConnectTimeout PoolTimeout ReadTimeout TimeoutException WriteTimeout",
        "bad_response": """
            CookieConflict DecodingError RemoteProtocolError RequestNotRead ResponseNotRead SSEError StreamClosed
            StreamConsumed StreamError
        """,
        "invalid_request": "InvalidURL LocalProtocolError TooManyRedirects UnsupportedProtocol",
    },
    "httpcore2": {
        "connection_failed": "ConnectError NetworkError ProtocolError ProxyError ReadError WriteError",
        "timeout": "ConnectTimeout PoolTimeout ReadTimeout TimeoutException WriteTimeout",
        "bad_response": "RemoteProtocolError",
        "invalid_request": "LocalProtocolError UnsupportedProtocol",
    },
}
# Refusals that Anthropic tells apart by a code of the body, by what they mean here.
ANTHROPIC_CODES: Mapping[str, str] = {
    "invalid_request": """
        already_member available_tools_limit_exceeded bundle_attachment_not_supported bundle_on_call
        cannot_invite_emails_with_unverified_domains cannot_remove_last_member cannot_sign_out_primary_owner
        cannot_sign_out_self claude_code_key_creator_not_member claude_code_version_too_old cmek_feature_unsupported
        cmek_key_disabled cmek_key_network_blocked compaction_block_ambiguous compaction_block_misplaced
        compaction_content_mismatch compaction_incomplete_turn compaction_nothing_to_summarize
        compaction_signature_invalid compaction_too_many_tool_references compaction_tool_changes_mismatch
        concurrent_membership_change email_domain_not_allowed environment_archived environment_not_found
        external_key_changed external_key_in_workspace_policy external_key_validation_failed
        external_key_validation_timed_out file_expired file_not_downloadable heartbeat_precondition_failed
        image_dimensions_too_large invalid_config_type_change invalid_metadata invite_already_exists
        key_profile_mismatch org_api_key_limit_exceeded org_member_limit_exceeded organization_not_enrolled_in_beta
        organization_type_not_supported parent_organization_required plugin_name_taken
        rbac_group_grants_owner_access rbac_group_managed_settings_not_found rbac_group_not_found
        rbac_group_order_limit_exceeded rbac_group_owner_access_unconfirmed rbac_role_not_found
        request_body_encoding_invalid request_body_encoding_unsupported request_body_timeout scan_failed
        scan_pending settings_document_limit_exceeded settings_history_limit_exceeded skill_name_taken
        skill_read_blocked_undecryptable slack_channel_set_up_environment_not_found
        slack_channel_set_up_settings_conflict slack_channel_set_up_settings_refused storage_quota_exceeded
        thread_already_continued thread_continue_in_flight thread_fingerprint_mismatch thread_not_found
        thread_unsupported_request tool_name_conflict tool_reference_unresolved unsupported_charset
        user_profile_not_found user_profile_required workspace_api_key_limit_exceeded
        workspace_member_limit_exceeded workspace_policy_violation
    """,
    "permission_denied": """
        api_key_scope_missing cannot_sign_out_managed_member cannot_sign_out_membership_admin cannot_sign_out_owner
        cannot_sign_out_privileged_member claude_tag_writes_not_enabled compliance_configuration_restricted
        environment_create_disabled environment_update_disabled organization_level_scoped_api_key_required
        organization_on_hold sandbox_egress_restricted spend_limits_admin_api_writes_not_enabled
        user_profile_billing_not_authorized user_profile_not_billable
    """,
    "quota_exceeded": """
        contract_spend_limit_reached enforced_spend_limit_reached linked_organization_billing_unavailable
        linked_organization_spend_limit_reached
    """,
    "context_length": "request_body_too_large_after_decoding",
    "rate_limit": "ramp_limit_exceeded",
    "overloaded": """
        cmek_context_unavailable cmek_key_unreachable compaction_unavailable registration_pending
    """,
}


def modules_of(library: str) -> Iterator[ModuleType]:
    """Every module that can be imported without the library's optional dependencies."""
    package = importlib.import_module(library)
    yield package
    for found in pkgutil.walk_packages(package.__path__, f"{library}.", onerror=lambda _: None):
        if ".types." in found.name or ".resources." in found.name:
            continue  # thousands; those with an exception in them are imported by the others
        try:
            yield importlib.import_module(found.name)
        except (ImportError, openai.OpenAIError):
            continue


@pytest.fixture(scope="module")
def classes() -> dict[str, dict[str, type[BaseException]]]:
    """Library → name → class, for every exception that the library defines."""
    for library in LIBRARIES:
        assert list(modules_of(library))
    found: dict[str, dict[str, type[BaseException]]] = {library: {} for library in LIBRARIES}
    for module in list(sys.modules.values()):
        library = module.__name__.partition(".")[0]
        for item in vars(module).values() if library in LIBRARIES else ():
            if isinstance(item, type) and issubclass(item, BaseException) and item.__module__.startswith(library):
                found[library][item.__name__] = item
    return found


def code_of(error: BaseException) -> str:
    return failures.from_exception(error, config=CONFIG).code


def raised(kind: type[BaseException]) -> BaseException:
    """An instance, however many arguments its own constructor wants."""
    error = kind.__new__(kind)
    error.body = None  # type: ignore[attr-defined]
    return error


def status_error(kind: type[BaseException], status: int, body: object = None) -> BaseException:
    error = raised(kind)
    error.status_code, error.body = status, body  # type: ignore[attr-defined]
    error.response = httpx2.Response(status, request=REQUEST)  # type: ignore[attr-defined]
    return error


def is_by_status(kind: type[BaseException]) -> bool:
    return issubclass(kind, openai.APIStatusError | anthropic.APIStatusError)


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_exception_class_is_known_so_that_a_new_one_has_to_be_thought_about(
    classes: dict[str, dict[str, type[BaseException]]], library: str
) -> None:
    specific = {kind.__name__ for (_, refused_for), kind in ERROR_CLASSES.items() if refused_for}
    known = [
        *ELSEWHERE[library].split(),
        *BY_STATUS.get(library, {}),
        *(name for names in DIRECT[library].values() for name in names.split()),
        *(specific if library == "anthropic" else ()),
    ]
    assert len(known) == len(set(known)), "a class is named twice"
    assert set(classes[library]) == set(known)


@pytest.mark.parametrize(
    ("library", "code", "name"),
    [(library, code, name) for library in DIRECT for code, names in DIRECT[library].items() for name in names.split()],
)
def test_an_exception_without_a_status_has_its_code(
    classes: dict[str, dict[str, type[BaseException]]], library: str, code: str, name: str
) -> None:
    kind = classes[library][name]
    if library == "httpcore2":
        kind = next(TRANSPORT_ERRORS[base] for base in kind.__mro__ if base in TRANSPORT_ERRORS)
    assert not is_by_status(kind)
    assert code_of(raised(kind)) == code


@pytest.mark.parametrize(("library", "name"), [(library, name) for library in BY_STATUS for name in BY_STATUS[library]])
def test_an_exception_for_a_status_has_its_code(
    classes: dict[str, dict[str, type[BaseException]]], library: str, name: str
) -> None:
    kind = classes[library][name]
    status, code = BY_STATUS[library][name]
    assert is_by_status(kind)
    assert code_of(status_error(kind, status)) == code


def test_every_code_by_which_anthropic_tells_refusals_apart_is_known() -> None:
    known = [word for words in ANTHROPIC_CODES.values() for word in words.split()]
    assert sorted(known) == sorted(refused_for for _, refused_for in ERROR_CLASSES if refused_for)


@pytest.mark.parametrize("code", ANTHROPIC_CODES)
def test_a_refusal_with_a_code_of_anthropic_is_judged_by_it(code: str) -> None:
    for (status, refused_for), kind in ERROR_CLASSES.items():
        if refused_for in ANTHROPIC_CODES[code].split():
            body = {"type": "error", "error": {"type": "", "message": "No.", "details": {"error_code": refused_for}}}
            assert code_of(status_error(kind, status, body)) == code, refused_for


def test_the_transport_translates_every_exception_that_leaves_the_pool(
    classes: dict[str, dict[str, type[BaseException]]],
) -> None:
    raw = {kind for name, kind in classes["httpcore2"].items() if name != "ConnectionNotAvailable"}
    assert raw == set(TRANSPORT_ERRORS)
    assert httpcore2.ConnectionNotAvailable not in TRANSPORT_ERRORS
