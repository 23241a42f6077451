"""The small module of the lessons: NumPy, pictures, data.

| what | where |
|---|---|
| a network of any depth: activations, losses, forward, backward, update | `network` |
| one linear neuron: the same in vectors, and the closed form | `linear` |
| epochs of mini-batches, what came of them, save and load | `training` |
| penguins and digits; split, standardise, batches, one-hot labels | `data` |
| one look for every figure, and words for each | `figures` |
| the training step without waste | `fast_step` |
| checks of what a function is given | `validation` |
"""
