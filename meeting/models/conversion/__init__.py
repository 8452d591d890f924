"""Turns weights into ONNX, in a child process; numpy and onnx are known here alone."""
