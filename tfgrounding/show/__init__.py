"""An answer for people and other programs: report, exports, charts, clips."""
