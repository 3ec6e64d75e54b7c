"""Django settings of Wiz, in Django's order. Every value that an operator may change comes from ``wizsite.env``."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy

from wizsite import env

env.scrub()

BASE_DIR = env.BASE_DIR
DATA_DIR = env.data_dir()
SECRETS_DIR = DATA_DIR / "secrets"

# Core -----------------------------------------------------------------------------------------------------------

DEBUG = env.boolean("WIZ_DEBUG", default=False)
SECRET_KEY = env.stored_secret("SECRET_KEY", SECRETS_DIR)
EMBEDDED = not env.secret("DATABASE_URL") and not env.secret("REDIS_URL")
PORT = env.integer("WIZ_PORT", 8000, minimum=0, maximum=65535)
PUBLIC_URL = env.text("WIZ_PUBLIC_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
if urlsplit(PUBLIC_URL).scheme not in {"http", "https"} or not urlsplit(PUBLIC_URL).hostname:
    raise ImproperlyConfigured(f"WIZ_PUBLIC_URL={PUBLIC_URL!r} must look like https://chat.example.org.")
SECURE_PUBLIC_URL = PUBLIC_URL.startswith("https://")
LOCAL_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
ALLOWED_HOSTS = env.words("WIZ_ALLOWED_HOSTS") or [*LOCAL_HOSTS, urlsplit(PUBLIC_URL).hostname or ""]
ALLOWED_ORIGINS = sorted({PUBLIC_URL, *(f"http://{host}:{PORT}" for host in LOCAL_HOSTS if not SECURE_PUBLIC_URL)})
CSRF_TRUSTED_ORIGINS = ALLOWED_ORIGINS

ROOT_URLCONF = "wizsite.urls"
ASGI_APPLICATION = "wizsite.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "servestatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "csp",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "accounts",
    "providers",
    "agents",
    "conversations",
    "wizsite",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "csp.middleware.CSPMiddleware",
    "wizsite.middleware.NoStoreMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.SessionActivityMiddleware",
    "accounts.middleware.SecondFactorMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
        },
    },
]

# Data -----------------------------------------------------------------------------------------------------------

DATABASES: dict[str, Any] = {"default": dict(env.database(DATA_DIR))}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    # Tests use threads, and several threads need a file.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["OPTIONS"] = {
        **DATABASES["default"].get("OPTIONS", {}),
        "pool": {"min_size": 2, "max_size": 20, "timeout": 5},
        "options": "-c lock_timeout=5s -c statement_timeout=30s -c idle_in_transaction_session_timeout=30s",
    }

VALKEY_URL = env.valkey_url(DATA_DIR)
VALKEY_PREFIX = "wiz:"

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "conversations.layer.BoundedPubSubChannelLayer",
        "CONFIG": {
            "hosts": [
                {
                    "address": VALKEY_URL,
                    "socket_timeout": 5,
                    "health_check_interval": 25,
                    **({} if VALKEY_URL.startswith("unix:") else {"socket_keepalive": True}),
                },
            ],
            "prefix": "wiz",
        },
    },
}

# Keys of providers: the first key encrypts, all decrypt. Never derived from SECRET_KEY.
FERNET_KEYS = [key.strip() for key in env.stored_secret("WIZ_ENCRYPTION_KEYS", SECRETS_DIR).split(",") if key.strip()]
FERNET_USE_HKDF = True

# Accounts -------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
SIGNUP = env.choice("WIZ_SIGNUP", "closed", ("closed", "invite", "open"))
ADMIN_EMAIL = env.text("WIZ_ADMIN_EMAIL")
ADMIN_PASSWORD = env.secret("WIZ_ADMIN_PASSWORD")

ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_CHANGE_EMAIL = True  # one address; a new one counts from its confirmation on
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": None}  # accounts/login_limits.py counts, over all processes

# Whom the pages lead to setting up a second factor before they show anything else.
REQUIRE_MFA = env.choice("WIZ_REQUIRE_MFA", "off", ("off", "staff", "all"))
MFA_ADAPTER = "accounts.factors.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "accounts.factor_forms.CodeForm",
    "reauthenticate": "accounts.factor_forms.CodeAgainForm",
    "activate_totp": "accounts.factor_forms.AppForm",
    "add_webauthn": "accounts.factor_forms.PasskeyForm",
    "edit_webauthn": "accounts.factor_forms.PasskeyNameForm",
    "login_webauthn": "accounts.factor_forms.PasskeyLoginForm",
    "authenticate_webauthn": "accounts.factor_forms.PasskeyStepForm",
    "reauthenticate_webauthn": "accounts.factor_forms.PasskeyAgainForm",
}
MFA_TOTP_ISSUER = "Wiz"
MFA_TOTP_TOLERANCE = 1  # steps of 30 seconds that a telephone's clock may be wrong
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # accounts are made by administrators, who need no confirmed address
TRUST_BROWSER_DAYS = env.integer("WIZ_TRUST_BROWSER_DAYS", 0, maximum=90)
MFA_TRUST_ENABLED = TRUST_BROWSER_DAYS > 0
MFA_TRUST_COOKIE_AGE = TRUST_BROWSER_DAYS * 24 * 3600
MFA_TRUST_COOKIE_NAME = "__Host-wiz-trusted" if SECURE_PUBLIC_URL else "wiz-trusted"

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "__Host-wiz" if SECURE_PUBLIC_URL else "wiz"
SESSION_COOKIE_SECURE = SECURE_PUBLIC_URL
CSRF_COOKIE_NAME = "__Host-wiz-csrf" if SECURE_PUBLIC_URL else "wiz-csrf"
CSRF_COOKIE_SECURE = SECURE_PUBLIC_URL

# Security headers -----------------------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = SECURE_PUBLIC_URL
SECURE_HSTS_SECONDS = 31536000 if SECURE_PUBLIC_URL else 0
SECURE_REDIRECT_EXEMPT = [r"^healthz/"]
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.boolean("WIZ_TRUST_PROXY", default=False) else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ("/admin/", "/api/docs/"),
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "blob:"],  # blob: a picture in the composer before it is uploaded
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
IMAGE_BODY_LIMIT = 16_777_216  # bytes of a body that may hold images
IMAGE_PATHS = ("/api/v1/generate/", "/api/v1/attachments/", "/v1/", "/c/")
IMPORT_BODY_LIMIT = 105_906_176  # bytes: a file of 100 MB in a form
IMPORT_PATHS = ("/api/v1/conversations/import/", "/c/import/")

# Mail -----------------------------------------------------------------------------------------------------------

MAIL_CONFIGURED = bool(env.secret("EMAIL_URL"))
if MAIL_CONFIGURED:
    import environ

    vars().update(environ.Env.email_url_config(env.secret("EMAIL_URL")))
else:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
DEFAULT_FROM_EMAIL = env.text("WIZ_FROM_EMAIL", "wiz@localhost")

# Text and static files ------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("pt-br", "Português (Brasil)")]  # each in its own words
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("WIZ_STATIC_ROOT", str(DATA_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = DATA_DIR / "uploads"  # never served by a web server: conversations/attachment_views.py looks who asks
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "wizsite.static.ModuleManifestStaticFilesStorage"
    },
}
SERVESTATIC_KEEP_ONLY_HASHED_FILES = False

# REST -----------------------------------------------------------------------------------------------------------

API_RATE = env.integer("WIZ_API_RATE", 6000)  # requests of one person in a minute; 0: no limit
TOKEN_RATE = env.integer("WIZ_TOKEN_RATE", 3000)  # requests of one token in a minute
GATEWAY_RATE = env.integer("WIZ_GATEWAY_RATE", 60_000)  # the same for the gateway, whose requests are much cheaper
GATEWAY_TOKEN_RATE = env.integer("WIZ_GATEWAY_TOKEN_RATE", 30_000)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "accounts.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated", "accounts.permissions.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["providers.throttling.RequestRate"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.rest.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "accounts.rest.CursorPagination",
    "DEFAULT_METADATA_CLASS": None,  # the OpenAPI document says it better
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "wizsite.rest.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Wiz",
    "DESCRIPTION": "Providers, agents, conversations and streamed generations.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "StatusEnum": "conversations.models.Generation.Status",
        "DeliveryStatusEnum": "providers.models.WebhookDelivery.Status",
        "BudgetKindEnum": "providers.models.Budget.Kind",
        "AgentVisibilityEnum": "agents.models.Agent.Visibility",
        "PromptVisibilityEnum": "conversations.models.Prompt.Visibility",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "wizsite.openapi_events.document_events",
        "wizsite.openapi_errors.document_errors",
        "wizsite.openapi_gateway.document_gateway",
    ],
}

# Providers and generations --------------------------------------------------------------------------------------

# Whether base URLs may point at loopback and private ranges. Link-local, metadata, CGNAT and Wiz's own ports never.
PRIVATE_PROVIDERS = env.boolean("WIZ_PRIVATE_PROVIDERS", default=EMBEDDED)
PRACTICE_PROVIDER = env.boolean("WIZ_PRACTICE_PROVIDER", default=EMBEDDED)
PRACTICE_URL = env.text("WIZ_PRACTICE_URL")
# What becomes of the running calls of a provider that is switched off or deleted.
RUNNING_CALLS = env.choice("WIZ_RUNNING_CALLS", "finish", ("finish", "cancel"))
# Seconds that a ready client and its shared configuration stay after their last use.
REGISTRY_TTL = env.integer("WIZ_REGISTRY_TTL", 1800, minimum=10, maximum=86_400)
REGISTRY_MAX_CLIENTS = 200
HISTORY_MESSAGES = 20
GENERATION_DEADLINE = env.integer("WIZ_GENERATION_DEADLINE", 900, minimum=5, maximum=3000)  # seconds
FIRST_EVENT_TIMEOUT = env.integer("WIZ_FIRST_EVENT_TIMEOUT", 120, minimum=1, maximum=3000)  # seconds
IDLE_TIMEOUT = env.integer("WIZ_IDLE_TIMEOUT", 60, minimum=1, maximum=3000)  # seconds between two events
USER_RUNS = env.integer("WIZ_USER_RUNS", 8, minimum=1, maximum=1000)  # queued and running ones of one person
TITLE_MODEL = env.text("WIZ_TITLE_MODEL")  # <slug of a shared provider>/<model id>; empty: titles are first words
SHARE_LINKS = env.choice("WIZ_SHARE_LINKS", "public", ("public", "members", "off"))  # whom links may be meant for
if TITLE_MODEL and not all(TITLE_MODEL.partition("/")):
    raise ImproperlyConfigured(f"WIZ_TITLE_MODEL={TITLE_MODEL!r} must look like openai/gpt-5-nano.")
DRAIN_LIMIT = 20  # seconds a stopping worker gives its streams
UPLOAD_QUOTA = env.integer("WIZ_UPLOAD_QUOTA_MB", 500, minimum=1, maximum=1_000_000) * 2**20  # bytes of one person
MAX_MESSAGE_LENGTH = 200_000  # characters of one message

# Celery ---------------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = VALKEY_URL.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "global_keyprefix": VALKEY_PREFIX,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_TIMEOUT = 3
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_TASK_RETRY_ON_WORKER_LOST = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED = False
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "wiz"
CELERY_TASK_ROUTES = {
    "conversations.tasks.write_title": {"queue": "wiz-background"},
    "conversations.tasks.purge_expired": {"queue": "wiz-background"},
    "providers.tasks.deliver_webhook": {"queue": "wiz-background"},
    "providers.tasks.sweep_webhooks": {"queue": "wiz-background"},
    "providers.tasks.watch_budgets": {"queue": "wiz-background"},
    "providers.tasks.forget_old_records": {"queue": "wiz-background"},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    "reap-generations": {"task": "conversations.tasks.reap_generations", "schedule": 10.0, "options": {"expires": 10}},
    "purge-expired": {"task": "conversations.tasks.purge_expired", "schedule": 300.0, "options": {"expires": 300}},
    "refresh-models": {"task": "providers.tasks.refresh_all_models", "schedule": 24 * 3600.0},
    "sweep-webhooks": {"task": "providers.tasks.sweep_webhooks", "schedule": 10.0, "options": {"expires": 10}},
    "watch-budgets": {"task": "providers.tasks.watch_budgets", "schedule": 30.0, "options": {"expires": 30}},
    "forget-old-records": {"task": "providers.tasks.forget_old_records", "schedule": 24 * 3600.0},
    "clean-up-registry": {"task": "providers.tasks.cleanup_registry", "schedule": 600.0},
}

# Logging --------------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redact": {"()": "wizsite.redaction.RedactSecrets"}},
    "formatters": {"line": {"format": "{asctime} {levelname:7} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["redact"]}},
    "root": {"handlers": ["console"], "level": env.text("WIZ_LOG_LEVEL", "INFO")},
    "loggers": {
        "django.server": {"handlers": ["console"], "propagate": False},
        **{name: {"level": "WARNING"} for name in ("httpx2", "httpcore2", "openai", "anthropic", "asyncio")},
        **{name: {"level": "WARNING"} for name in ("celery.worker.strategy", "celery.app.trace", "kombu")},
    },
}

# Admin ----------------------------------------------------------------------------------------------------------


def _admin_link(title: str, icon: str, route: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{route}_changelist")}


UNFOLD = {
    "SITE_TITLE": "Wiz",
    "SITE_HEADER": "Wiz",
    "SITE_URL": "/",
    "SITE_LOGO": lambda request: static("img/logo.svg"),  # noqa: ARG005 - unfold passes the request
    "SITE_ICON": lambda request: static("img/logo.svg"),  # noqa: ARG005
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("img/logo.svg")},  # noqa: ARG005
    ],
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": {
        "primary": {
            "50": "oklch(0.97 0.015 275)",
            "100": "oklch(0.94 0.03 275)",
            "200": "oklch(0.88 0.06 275)",
            "300": "oklch(0.80 0.09 275)",
            "400": "oklch(0.72 0.13 275)",
            "500": "oklch(0.62 0.16 275)",
            "600": "oklch(0.55 0.16 275)",
            "700": "oklch(0.48 0.15 275)",
            "800": "oklch(0.40 0.12 275)",
            "900": "oklch(0.33 0.09 275)",
            "950": "oklch(0.25 0.07 275)",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {
                "title": "Models",
                "items": [
                    _admin_link("Providers", "hub", "providers_provider"),
                    _admin_link("Catalogue", "list_alt", "providers_providermodel"),
                    _admin_link("Agents", "smart_toy", "agents_agent"),
                    {"title": "Registry", "icon": "cached", "link": reverse_lazy("admin:providers_provider_registry")},
                ],
            },
            {
                "title": "Use",
                "items": [
                    _admin_link("Conversations", "forum", "conversations_conversation"),
                    _admin_link("Generations", "bolt", "conversations_generation"),
                    _admin_link("Ledger", "receipt_long", "providers_usagerecord"),
                    _admin_link("Budgets", "savings", "providers_budget"),
                    _admin_link("Webhooks", "webhook", "providers_webhookendpoint"),
                    _admin_link("Deliveries", "outbox", "providers_webhookdelivery"),
                ],
            },
            {
                "title": "People",
                "items": [
                    _admin_link("Users", "person", "accounts_user"),
                    _admin_link("Groups", "group", "auth_group"),
                    _admin_link("API tokens", "key", "accounts_apitoken"),
                    _admin_link("Audit log", "history", "accounts_auditevent"),
                ],
            },
        ],
    },
}
