"""Settings: one file, read from the environment, loud when something is missing.

The embedded default is one process on SQLite with no Redis. Production sets PUBLIC_BASE_URL, SECRET_KEY, FIELD_KEYS,
BLIND_INDEX_KEY, DATABASE_URL and REDIS_URL; every secret may also come from a file (NAME_FILE). The demo (DEMO=1) and the
tests (TESTING=1) create their own secrets: nobody can run a real clinic on them, because both refuse a public address.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from telemed.lib import env, local_secrets

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.env_str("TELEMED_VAR_DIR", str(BASE_DIR / "var")))

DEMO = env.env_bool("DEMO", False)
TESTING = env.env_bool("TESTING", False)
DEBUG = env.env_bool("DEBUG", False)
if DEMO or TESTING:
    local_secrets.load_into_environment(VAR_DIR / ("secrets.json" if DEMO else "test-secrets.json"))

SECRET_KEY = env.env_secret("SECRET_KEY")
FIELD_KEYS = env.env_secret("FIELD_KEYS").split(",")
BLIND_INDEX_KEY = env.env_secret("BLIND_INDEX_KEY")

# --- Addresses ---------------------------------------------------------------------------------------------------------
PUBLIC_BASE_URL = env.env_str("PUBLIC_BASE_URL", "http://localhost:8000" if DEMO or TESTING else env.REQUIRED).rstrip(
    "/"
)
_public = urlsplit(PUBLIC_BASE_URL)
HTTPS = _public.scheme == "https"
ALLOWED_HOSTS = [str(_public.hostname), *env.env_list("EXTRA_ALLOWED_HOSTS", [])]
if TESTING:
    ALLOWED_HOSTS.append("testserver")
# Full origins, not host names: scheme and port count (SEC-10).
WS_ALLOWED_ORIGINS = [PUBLIC_BASE_URL, *env.env_list("EXTRA_ORIGINS", [])]
CSRF_TRUSTED_ORIGINS = WS_ALLOWED_ORIGINS
TRUSTED_PROXY_COUNT = env.env_int("TRUSTED_PROXY_COUNT", 0)
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Applications ------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "channels",
    "csp",
    "telemed.dbrules",
    "telemed.vault",
    "telemed.accounts",
    "telemed.audit",
    "consultations.clinics",
    "consultations.practitioners",
    "consultations.patients",
    "consultations.appointments",
    "consultations.consent",
    "consultations.outbox",
    "consultations.rooms",
    "consultations.recordings",
    "consultations.demo",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "telemed.headers.SecurityHeadersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "telemed.accounts.language.PersonLanguageMiddleware",
    "telemed.accounts.clock.PersonClockMiddleware",
    "telemed.accounts.middleware.SessionPolicyMiddleware",
    "telemed.accounts.middleware.RequireMfaMiddleware",
]

ROOT_URLCONF = "telemed.urls"
ASGI_APPLICATION = "telemed.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Data --------------------------------------------------------------------------------------------------------------


def _database(url: str) -> dict[str, object]:
    """Return Django's connection settings for `sqlite:///path` or `postgresql://user:password@host:port/name`."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": parts.path,
            "OPTIONS": {
                # Writers queue at BEGIN instead of failing half-way through their transaction.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY;",
            },
        }
    if parts.scheme in {"postgresql", "postgres"}:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": parts.path.lstrip("/"),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or ""),
            "PORT": str(parts.port or ""),
            # Under ASGI every request has its own thread: without a pool each would open its own connection.
            "OPTIONS": {"pool": {"min_size": 1, "max_size": env.env_int("DATABASE_POOL_SIZE", 16), "timeout": 30}},
        }
    raise ValueError("DATABASE_URL must start with sqlite:/// or postgresql://")


VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
DATABASES = {"default": _database(env.env_str("DATABASE_URL", f"sqlite://{VAR_DIR / 'telemed.sqlite3'}"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.env_str("REDIS_URL", "")
CACHES: dict[str, dict[str, Any]]
if REDIS_URL:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            # Redis counts all sockets of one process together: channels' 100 would be full after 100 nudges.
            # A read timeout longer than channels' blocking read of 5 s: redis-py's default is the same 5 s, so a busy
            # machine lost sockets.
            "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": 30}], "capacity": 2000, "expiry": 30},
        }
    }
else:
    # Django keeps 300 entries and then forgets a third at random: who is present, and who tried how many passwords.
    _LOCAL = "django.core.cache.backends.locmem.LocMemCache"
    CACHES = {"default": {"BACKEND": _LOCAL, "LOCATION": "telemed", "OPTIONS": {"MAX_ENTRIES": 100_000}}}
    # Counted per socket here; more than 100 waiting means that the socket itself is stuck.
    CHANNEL_LAYERS = {"default": {"BACKEND": "telemed.channel_layer.ProcessChannelLayer", "CONFIG": {"capacity": 100}}}

# --- Jobs: rows are the truth, the broker only wakes the worker ------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL or "filesystem://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {}
    if REDIS_URL
    else {
        "data_folder_in": str(VAR_DIR / "queue"),
        "data_folder_out": str(VAR_DIR / "queue"),
        "processed_folder": str(VAR_DIR / "queue-done"),
        "control_folder": str(VAR_DIR / "queue-control"),
    }
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_POOL = "threads"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
# Who works on recordings: "worker"; "thread", one of the server itself (no worker is needed); "now", at once (tests).
JOBS = env.env_str("JOBS", "now" if TESTING else "worker")
# True: the server sends messages itself right after the commit (one process, no worker).
OUTBOX_INLINE = env.env_bool("OUTBOX_INLINE", DEMO or TESTING)
CELERY_BEAT_SCHEDULE = {
    "outbox-sweep": {"task": "outbox.sweep", "schedule": 30.0},
    "recordings-recover": {"task": "recordings.recover", "schedule": 20.0},
    "recordings-scan": {"task": "recordings.scan", "schedule": 60.0},
    "recordings-sweep": {"task": "recordings.sweep", "schedule": 3600.0},
    "purge-call-metadata": {"task": "rooms.purge_call_metadata", "schedule": 24 * 3600.0},
}
# Dotted path of a class as in consultations/outbox/sms.py; empty: no text messages, and the pages say so.
SMS_BACKEND = env.env_str("SMS_BACKEND", "consultations.outbox.sms.ConsoleSms" if DEMO else "")

# --- People ------------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # slow on purpose is only slow in tests
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "today"
ACCOUNT_LOGOUT_REDIRECT_URL = "home"

ACCOUNT_ADAPTER = "telemed.accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_EMAIL_VERIFICATION = "none"  # staff accounts are made by an administrator for an address they know
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
# By address only: what counts by account is in accounts.adapters and accounts.forms (SEC-17).
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "20/m/ip", "reset_password": "10/m/ip,5/m/key"}
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # our mail server is nobody's tool to write to strangers
MFA_ADAPTER = "telemed.accounts.adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Telemed"
# A passkey is two factors in one only when it checks its owner: PIN, finger or face.
MFA_WEBAUTHN_USER_VERIFICATION = "required"
# One step of 30 s either way for clocks that are off; every code works once (accounts.totp).
MFA_TOTP_TOLERANCE = 1
ACCOUNT_FORMS = {
    "login": "telemed.accounts.password_forms.LoginForm",
    "change_password": "telemed.accounts.password_forms.ChangePasswordForm",
    "reset_password": "telemed.accounts.password_forms.ResetPasswordForm",
    "reset_password_from_key": "telemed.accounts.password_forms.ResetPasswordKeyForm",
    "reauthenticate": "telemed.accounts.password_forms.ReauthenticateForm",
}
MFA_FORMS = {
    "authenticate": "telemed.accounts.forms.AuthenticateForm",
    "reauthenticate": "telemed.accounts.forms.ReauthenticateForm",
    "activate_totp": "telemed.accounts.forms.ActivateTotpForm",
    "add_webauthn": "telemed.accounts.forms.AddPasskeyForm",
    "edit_webauthn": "telemed.accounts.forms.EditPasskeyForm",
    "login_webauthn": "telemed.accounts.forms.LoginPasskeyForm",
    "authenticate_webauthn": "telemed.accounts.forms.AuthenticatePasskeyForm",
    "reauthenticate_webauthn": "telemed.accounts.forms.ReauthenticatePasskeyForm",
}
USERSESSIONS_ADAPTER = "telemed.accounts.adapters.UserSessionsAdapter"
USERSESSIONS_TRACK_ACTIVITY = False

STAFF_IDLE_LOGOFF_S = 15 * 60
SEAT_IDLE_LOGOFF_S = 30 * 60
SESSION_ABSOLUTE_S = 12 * 3600
SESSION_COOKIE_AGE = SESSION_ABSOLUTE_S
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

# --- Cookies and headers (SEC-14, SEC-18) ------------------------------------------------------------------------------
# __Host- cookies need HTTPS; browsers refuse them on the demo's http://localhost.
_PREFIX = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = _PREFIX + "session"
CSRF_COOKIE_NAME = _PREFIX + "csrf"
LANGUAGE_COOKIE_NAME = _PREFIX + "language"
SEAT_COOKIE_PREFIX = _PREFIX + "seat-"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SEAT_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = HTTPS and env.env_bool("SSL_REDIRECT", True)
SECURE_HSTS_SECONDS = 2 * 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
# Nothing to other sites. Not "no-referrer": browsers then send `Origin: null` with every form, and CSRF refuses it.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
_WS_ORIGINS = [origin.replace("http", "ws", 1) for origin in WS_ALLOWED_ORIGINS]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF, *_WS_ORIGINS],
        "worker-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}

# --- Language, time, files ---------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = USE_TZ = True
TIME_ZONE = "UTC"
# Where the demo's practice and its people are.
DEMO_TIME_ZONE = env.env_time_zone("DEMO_TIME_ZONE", "Europe/Berlin")
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
# The demo serves files where they stand; production runs collectstatic.
WHITENOISE_USE_FINDERS = DEMO or TESTING
WHITENOISE_MAX_AGE = 0 if DEMO or TESTING else 3600

# --- Mail --------------------------------------------------------------------------------------------------------------
EMAIL_BACKEND = env.env_str(
    "EMAIL_BACKEND",
    "django.core.mail.backends.console.EmailBackend" if DEMO else "django.core.mail.backends.smtp.EmailBackend",
)
EMAIL_HOST = env.env_str("EMAIL_HOST", "localhost")
EMAIL_PORT = env.env_int("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.env_str("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.env_str("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.env_bool("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.env_str("DEFAULT_FROM_EMAIL", "visits@localhost")

# --- Signaling limits (SEC-10, SEC-11) ------------------------------------------------------------------------------------
SIGNALING_MAX_MESSAGE_BYTES = 64 * 1024
SIGNALING_MESSAGES_PER_S = 20
SIGNALING_BURST = 120
SIGNALING_HELLO_TIMEOUT_S = 5
TURN_CREDENTIAL_TTL_S = 300
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- Media and processes (docs/OPERATIONS.md) -----------------------------------------------------------------------------
# False: visits are for two, browser to browser.
SFU_ENABLED = env.env_bool("SFU_ENABLED", True)
# One UDP port for everybody's media; rtc process k takes SFU_UDP_PORT + k. 0: any free one.
SFU_UDP_PORT = env.env_int("SFU_UDP_PORT", 0 if DEMO or TESTING else 40000, minimum=0, maximum=65535)
# Empty: every address of the machine. The demo is for this machine alone.
SFU_BIND_ADDRESS = env.env_str("SFU_BIND_ADDRESS", "127.0.0.1" if DEMO or TESTING else "")
# What participants are told; empty: the machine's own addresses. Behind a 1:1 NAT, the public one.
SFU_ADVERTISED_ADDRESSES = env.env_list("SFU_ADVERTISED_ADDRESSES", [])
SFU_MAX_LOAD = env.env_int("SFU_MAX_LOAD_PERCENT", 70, minimum=1, maximum=100) / 100
# How long both people must be well connected through the server before the direct path is tried again, and how far apart
# two changes for quality are at least. Lower: back sooner, less steady; the tests use seconds.
SWITCH_BACK_AFTER_S = env.env_int("SWITCH_BACK_AFTER_S", 60, minimum=1)
SWITCH_AT_MOST_EVERY_S = env.env_int("SWITCH_AT_MOST_EVERY_S", 60, minimum=1)
# Where browsers reach rtc process {index}, which listens on {port}. The host is the pages' own: cookies go nowhere else.
RTC_URL = env.env_str("RTC_URL", f"{'wss' if HTTPS else 'ws'}://{_public.hostname}:{{port}}").rstrip("/")
# How long SIGTERM waits for running calls (REL-6).
DRAIN_LIMIT_S = env.env_int("DRAIN_LIMIT_S", 3600, minimum=0)
# Encrypted files of recordings; back them up apart from the keys (docs/OPERATIONS.md).
RECORDINGS_DIR = env.env_str("RECORDINGS_DIR", str(VAR_DIR / "recordings"))
# Where finished ones are kept: "local", in the same place, or "s3", an S3-compatible storage. Sealed in both.
_S3_NAMES = ("BUCKET", "ENDPOINT", "REGION", "ACCESS_KEY", "SECRET_KEY", "SECRET_KEY_FILE")
RECORDINGS_S3_LEFTOVERS: list[str] = []
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
match env.env_str("RECORDINGS_STORAGE", "local"):
    case "local":
        RECORDINGS_S3_LEFTOVERS = [
            f"RECORDINGS_S3_{name}" for name in _S3_NAMES if f"RECORDINGS_S3_{name}" in os.environ
        ]
    case "s3":
        STORAGES["recordings"] = {
            "BACKEND": "consultations.recordings.s3.SealedS3Storage",
            "OPTIONS": {
                "bucket_name": env.env_str("RECORDINGS_S3_BUCKET"),
                # '': Amazon's own; any other one has an address.
                "endpoint_url": env.env_str("RECORDINGS_S3_ENDPOINT", "") or None,
                "region_name": env.env_str("RECORDINGS_S3_REGION"),
                "access_key": env.env_str("RECORDINGS_S3_ACCESS_KEY"),
                "secret_key": env.env_secret("RECORDINGS_S3_SECRET_KEY"),
                "signature_version": "s3v4",
                "addressing_style": "path",
                "default_acl": None,
                "file_overwrite": True,
                "querystring_auth": True,
            },
        }
    case other:
        raise env.EnvError(f"RECORDINGS_STORAGE must be local or s3, not {other!r}")
# What must stay free on that disk: no recording begins with less, and running ones end (REL-7).
RECORDING_RESERVE_BYTES = env.env_int("RECORDING_RESERVE_MB", 1024, minimum=1) * 1024 * 1024
# Dotted path of a class as in consultations/recordings/scanning.py: it says whether an attachment may be opened.
ATTACHMENT_SCANNER = env.env_str("ATTACHMENT_SCANNER", "consultations.recordings.scanning.PictureScanner")
# What hears a visit while it is recorded and everybody in it also said yes to that: '' nothing, or level_meter, which tells
# /metrics how loud each voice is.
LISTENING_PROGRAM = env.env_str("LISTENING_PROGRAM", "")
# Lets another machine read /metrics; without it only this one may.
METRICS_TOKEN = env.env_secret("METRICS_TOKEN") if {"METRICS_TOKEN", "METRICS_TOKEN_FILE"} & set(os.environ) else ""
# Set by `manage.py serve` for the processes it starts: all (pages and media in one), web or rtc.
PROCESS_ROLE = env.env_str("TELEMED_PROCESS_ROLE", "all")
PROCESS_NUMBER = env.env_int("TELEMED_PROCESS_NUMBER", 0, minimum=0)
PROCESS_PORT = env.env_int("TELEMED_PROCESS_PORT", 0, minimum=0)

# --- Logs: ids only; requests are logged without query strings or bodies ------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env.env_str("LOG_LEVEL", "WARNING")},
}
