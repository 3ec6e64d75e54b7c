"""Static files with hashed names, including the imports between ES modules."""

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from servestatic.storage import CompressedManifestStaticFilesStorage


class ModuleManifestStaticFilesStorage(CompressedManifestStaticFilesStorage, ManifestStaticFilesStorage):  # type: ignore[misc]
    """Hash and compress every file, and rewrite ``import`` statements of our modules to the hashed names."""

    support_js_module_import_aggregation = True
    manifest_strict = False
