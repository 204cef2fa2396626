"""``check``: list the settings, report unsafe and missing ones, print the URLs to paste, probe a deployed URL."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import click

from ..app import collect_settings, state_of
from ..caller import HttpTransport
from ..checks import ConsoleUrls, Finding, check_settings, console_urls, list_settings, probe
from .common import app_option, import_app, json_option, loading, plain_errors, print_json, print_table, project_values

_MARKS = {"ok": "ok", "warning": "!", "error": "ERROR"}


@click.command()
@click.option("--url", help="Probe this Message URL from outside; no handler runs.")
@click.option("--show-secrets", is_flag=True, help="Print passwords and tokens.")
@app_option
@json_option
def check(url: str | None, show_secrets: bool, app_name: str | None, as_json: bool) -> None:
    """Check the settings and the handlers, and show the URLs to paste into Twilio's console.

    The exit status is 1 if anything is wrong or unsafe.

    \b
    Examples:
        twiml-app check
        twiml-app check --url https://sms.example.com/message
    """
    if url and not re.match(r"https?://[^\s/]+/", url):
        raise click.BadParameter("give a Message URL, such as https://sms.example.com/message", param_hint="--url")
    state = None
    with plain_errors(), loading():
        if app_name:
            app = import_app(app_name)
            values, state = collect_settings(app.config), state_of(app)
        else:
            values = project_values()
        settings, findings = check_settings(values, Path.cwd(), state.router if state else None)
    if settings and url:
        findings += probe(url, settings, HttpTransport())
    shown = list_settings(values, show_secrets=show_secrets)
    prefix = state.url_prefix if state else ""
    urls = console_urls(settings, prefix, show_secrets=show_secrets) if settings else None
    if as_json:
        found = [asdict(finding) for finding in findings]
        print_json({"settings": shown, "findings": found, "urls": asdict(urls) if urls else None})
    else:
        _print_check(shown, findings, urls)
    raise SystemExit(1 if any(finding.level != "ok" for finding in findings) else 0)


def _print_check(shown: dict[str, str], findings: list[Finding], urls: ConsoleUrls | None) -> None:
    print_table([{"setting": name, "value": value} for name, value in shown.items()])
    click.echo()
    print_table([{"": _MARKS[each.level], "check": each.subject, "finding": each.says} for each in findings])
    if not urls:
        return
    click.echo(
        "\nIn Twilio's console, at the phone number (or its messaging service), under Messaging Configuration:\n\n"
        f"  A message comes in     Webhook  {urls.message}  HTTP POST\n"
        f"  Primary handler fails  Webhook  {urls.fallback}  HTTP POST\n\n"
        "The part after # makes Twilio retry after a failure; it is not sent."
    )
    if "***" in urls.message:
        click.echo("The password is masked: --show-secrets prints it.")
