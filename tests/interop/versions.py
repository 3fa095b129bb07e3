"""The versions of the programs that are installed for the checks."""

import json
import pathlib
import re
import subprocess

# Each program by its name in the tables, in their order: the virtual environment and the package, or the package.
PROGRAMS = {
    "fastmcp": ("venv", "fastmcp"),
    "TypeScript SDK 2": "@modelcontextprotocol/client",
    "TypeScript SDK 1": "@modelcontextprotocol/sdk",
    "Claude Code": "@anthropic-ai/claude-code",
    "Codex": "@openai/codex",
    "mcp-remote": "mcp-remote",
    "Python SDK 2": ("venv", "mcp"),
    "Python SDK 1": ("venv-mcp1", "mcp"),
    "rmcp": None,
    "server-everything": "@modelcontextprotocol/server-everything",
    "conformance": "@modelcontextprotocol/conformance",
    "oidc-provider": "oidc-provider",
}


def versions(work):
    """The version of each program. What is not installed is left out."""
    found = {name: version(pathlib.Path(work), package) for name, package in PROGRAMS.items()}
    return {name: it for name, it in found.items() if it}


def version(work, package):
    if package is None:
        lock = (pathlib.Path(__file__).parents[2] / "Cargo.lock").read_text(encoding="utf-8")
        return re.search(r'name = "rmcp"\nversion = "([^"]+)"', lock)[1]
    if isinstance(package, tuple):
        venv, name = package
        code = f"import importlib.metadata; print(importlib.metadata.version({name!r}))"
        command = [work / venv / "bin" / "python", "-c", code]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    file = work / "node_modules" / package / "package.json"
    return json.loads(file.read_text(encoding="utf-8"))["version"] if file.exists() else None
