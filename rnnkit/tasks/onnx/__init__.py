"""Trained tasks as ONNX models, written from their weights, with a runner that needs no rnnkit."""

from rnnkit.tasks.onnx.writing import write_onnx

__all__ = ["write_onnx"]
