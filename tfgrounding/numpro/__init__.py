"""The second engine: numbers on frames, a vision LLM that reads them, seconds out (Number it, CVPR 2025)."""
