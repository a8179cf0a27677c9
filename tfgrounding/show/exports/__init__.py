"""The formats in which answers are exported: tables, subtitles, edit lists and timelines."""
