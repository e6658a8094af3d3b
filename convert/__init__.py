"""From a trained Keras network to verified LiteRT files, and back to predictions.

`convert.convert_model` does it all: `export` (float32 LiteRT), `quantize` (recipes by
name), `check_ops` (builtin ops, static shapes), `parity` (differences, against
`parity_gates`), `op_support` (which accelerator documents which op), `contract` (what
runners need to know), `benchmark` (size, speed, memory). `bundle` collects the result
for an application, `run` opens any of it. Nothing in `tf_handgroups` outside this folder
imports it, except the command line.
"""
