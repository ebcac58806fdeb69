"""Methods, one short file for each paper. A new method is a new file here or in a plugin.

Reduction of a weighted loss. The papers give class weights up to a factor (α ∝ …). Division of the
summed losses by the batch size turns this factor into a change of the learning rate that no paper
states: on CIFAR-10-LT-100 the average weight of an example is 0.17 under `cb`, whose weights add up
to C, and 10 under 1/π. The released codes divide by the total weight of the batch, as PyTorch's
`weight=` does, and the factor cancels. Methods with class weights therefore use
`reduce="weighted_mean"`. `wce` and `cb` also offer "mean", the formula as printed. The two
reductions are equal where all weights are 1.
"""

IMPORT_ALL = True
