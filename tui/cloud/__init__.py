"""Access to Azure; the only package that imports Azure's SDK."""

# As a whole, before threads want modules of it: these import one another in circles, and of two threads that enter a
# circle at two places one gets half a module.
import azure.core  # noqa: F401
