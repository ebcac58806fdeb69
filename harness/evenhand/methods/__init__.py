"""One short file per paper; a new method is a new file here or in a package of one's own.

How a weighted loss is averaged. The papers give class weights up to a factor (α ∝ …), and a mean
over the batch's size turns that factor into a learning rate that none of them states: on
CIFAR-10-LT-100 the weights of `cb`, which add up to C, weigh an average example 0.17, and 1/π
weighs it 10.
The released codes divide by the batch's total weight, as PyTorch's `weight=` does, and the factor
drops out. Methods that weigh classes therefore use `reduce="weighted_mean"`; `wce` and `cb`
also offer "mean", the formula as it is printed. Where all weights are 1 the two are the same.
"""

IMPORT_ALL = True
