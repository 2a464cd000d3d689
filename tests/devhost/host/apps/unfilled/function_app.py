"""A function with a parameter no binding fills."""

import azure.functions as func

app = func.FunctionApp()


@app.route(route="x")
def handler(req: func.HttpRequest, missing: str) -> str:  # noqa: ARG001 - the binding's name
    return missing
