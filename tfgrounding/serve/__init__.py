"""Tools for agents over one folder of videos, and their MCP server."""
