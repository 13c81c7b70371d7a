"""Programs that answer raw input with an exported model; one is copied beside each ONNX file.

They import neither rnnkit nor Keras, and have at most 150 lines each.
"""
