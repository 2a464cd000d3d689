"""An application with a Durable entity."""

# The Durable library has no type hints.
# mypy: disable-error-code="import-untyped, untyped-decorator, no-any-return, attr-defined"

import azure.durable_functions as df

app = df.DFApp()


@app.entity_trigger(context_name="context")
def counter(context: df.DurableEntityContext) -> None:
    """Count nothing."""
