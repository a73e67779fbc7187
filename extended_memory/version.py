"""The version of the product: the one place that says it, read by the build as well."""

__version__ = "1.1.0"
