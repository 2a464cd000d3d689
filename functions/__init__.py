"""The function app's triggers: each parses, calls one step and renders the answer. No rule lives here."""
