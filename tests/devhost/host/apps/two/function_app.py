"""Two application objects: the worker refuses to choose."""

import azure.functions as func

app = func.FunctionApp()
other = app
