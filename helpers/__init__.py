"""The small module of the lessons: NumPy, pictures, data.

| what | where |
|---|---|
| a network of any depth: activations, losses, forward, backward, update | `network` |
| one linear neuron: the same in vectors, and the closed form | `linear` |
| epochs of mini-batches, and what came of them | `training`; its lean step: `fast_step` |
| penguins and digits; standardise, batches | `data` |
| one look for every figure, and words for each | `figures` |
| checks of what a function is given | `validation` |
"""
