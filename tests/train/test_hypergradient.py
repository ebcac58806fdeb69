"""The series against the exact hyper-gradient, against unrolling, and where it must fail."""

from __future__ import annotations

import functools

import pytest
import torch
from torch import nn

from evenhand.losses.learned import LearnedScaling
from evenhand.train.hypergradient import (
    batch_gradient,
    hessian_product,
    inverse_product,
    mixed_derivative,
    spectral_norm,
)

N, D, C = 40, 5, 3


@pytest.fixture(autouse=True)
def _float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def drawn(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class Ridge:
    """Least squares with a weight for each half of the data and a penalty, all three learned."""

    def __init__(self):
        self.x, self.y = drawn(N, D, seed=0), drawn(N, seed=1)
        self.x_val, self.y_val = drawn(N, D, seed=2), drawn(N, seed=3)
        self.learned = torch.tensor([0.3, -0.4, -1.0])

    def importance(self, a):
        return torch.cat([a[0].exp().expand(N // 2), a[1].exp().expand(N // 2)]) / N

    def train(self, theta, a):
        fit = (self.importance(a) * (self.x @ theta - self.y) ** 2).sum() / 2
        return fit + a[2].exp() * theta.square().sum() / 2

    def val(self, theta):
        return (self.x_val @ theta - self.y_val).square().mean()

    def solution(self, a):
        """Closed form: where the training loss is least, with a graph to a."""
        weighed = self.importance(a)[:, None] * self.x
        return torch.linalg.solve(
            self.x.T @ weighed + a[2].exp() * torch.eye(D), weighed.T @ self.y
        )


class Softmax:
    """Softmax regression under the learned loss, with a penalty; solved by Newton's method."""

    def __init__(self):
        self.labels = torch.tensor([0] * 28 + [1] * 9 + [2] * 3)
        self.x = drawn(N, D, seed=4) + drawn(C, D, seed=5)[self.labels]
        self.labels_val = torch.arange(N) % C
        self.x_val = drawn(N, D, seed=6) + drawn(C, D, seed=5)[self.labels_val]
        counts = self.labels.bincount().numpy()[:, None]
        self.loss = LearnedScaling(("l", "delta", "w"), weights="ones").bind(counts, "cpu")
        self.learned = torch.cat(list(self.loss.parameters().values()))

    def train(self, theta, a):
        parts = dict(zip(self.loss.raw, a.split(C), strict=True))
        loss = type(self.loss)(**(vars(self.loss) | {"raw": parts}))
        logits = self.x @ theta.reshape(D, C)
        losses, weights = loss(logits, self.labels, rows=self.labels), loss.weights(self.labels)
        return losses.sum() / weights.sum() + 0.1 * theta.square().sum()

    def val(self, theta):
        return nn.functional.cross_entropy(self.x_val @ theta.reshape(D, C), self.labels_val)

    def solution(self, a):
        theta = torch.zeros(D * C)
        for _ in range(10):
            slope, hessian = derivatives(lambda t: self.train(t, a), theta)
            theta = theta - torch.linalg.solve(hessian, slope)
        return theta.detach()


def solved(problem):
    return _solved(type(problem)).clone()


@functools.cache
def _solved(kind):
    problem = kind()
    return problem.solution(problem.learned).detach()


def derivatives(function, at):
    hessian = torch.autograd.functional.hessian(function, at)
    return torch.autograd.functional.jacobian(function, at), hessian


def hypergradient(gradients, outer, *, weights, learned, terms, scale):
    solved = inverse_product(gradients, outer, weights=weights, terms=terms, scale=scale)
    return mixed_derivative(gradients, solved.vector, weights=weights, learned=learned)


def by_series(problem, *, terms, scale, batches=1):
    theta = solved(problem).requires_grad_()
    learned = problem.learned.clone().requires_grad_()
    gradients = [batch_gradient(lambda: problem.train(theta, learned), [theta])] * batches
    outer = torch.autograd.grad(problem.val(theta), [theta])
    found = hypergradient(
        gradients, outer, weights=[theta], learned=[learned], terms=terms, scale=scale
    )
    return found[0]


def exact(problem):
    """−∂L_val/∂θ H⁻¹ ∂²L/∂θ∂a with everything dense."""
    theta, a = solved(problem), problem.learned
    _, hessian = derivatives(lambda t: problem.train(t, a), theta)
    slope, _ = derivatives(problem.val, theta)

    def gradients(a):
        at = theta.clone().requires_grad_()
        return torch.autograd.grad(problem.train(at, a), at, create_graph=True)[0]

    mixed = torch.autograd.functional.jacobian(gradients, a)
    return -torch.linalg.solve(hessian, slope) @ mixed


def norm_of(problem):
    theta = solved(problem)
    _, hessian = derivatives(lambda t: problem.train(t, problem.learned), theta)
    return float(torch.linalg.eigvalsh(hessian).abs().max())


PROBLEMS = [Ridge, Softmax]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_with_many_terms_it_is_the_exact_one(problem):
    problem = problem()
    scale = 1 / norm_of(problem)
    found = by_series(problem, terms=300, scale=scale)
    torch.testing.assert_close(found, exact(problem), rtol=1e-6, atol=1e-10)


def test_it_is_the_slope_of_the_held_out_loss_of_the_solution_in_closed_form():
    problem = Ridge()
    learned = problem.learned.clone().requires_grad_()
    (slope,) = torch.autograd.grad(problem.val(problem.solution(learned)), learned)
    found = by_series(problem, terms=300, scale=1 / norm_of(problem))
    torch.testing.assert_close(found, slope, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_small_step_against_it_lowers_the_held_out_loss_of_the_solution(problem):
    problem = problem()
    slope, size = by_series(problem, terms=300, scale=1 / norm_of(problem)), 1e-4
    before = problem.val(solved(problem))
    after = problem.val(problem.solution(problem.learned - size * slope))
    predicted = -size * slope.square().sum()
    torch.testing.assert_close(after - before, predicted, rtol=2e-2, atol=0)


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("terms", [0, 1, 5])
def test_truncated_it_differentiates_through_that_many_and_one_more_steps(problem, terms):
    problem, scale = problem(), 0.7
    learned = problem.learned.clone().requires_grad_()
    theta = solved(problem).requires_grad_()
    for _ in range(terms + 1):
        (slope,) = torch.autograd.grad(problem.train(theta, learned), theta, create_graph=True)
        theta = theta - scale * slope
    (unrolled,) = torch.autograd.grad(problem.val(theta), learned)
    found = by_series(problem, terms=terms, scale=scale)
    torch.testing.assert_close(found, unrolled, rtol=1e-8, atol=1e-12)


def test_more_terms_come_closer():
    problem = Softmax()
    truth = exact(problem)
    errors = [
        float((by_series(problem, terms=terms, scale=1.0) - truth).norm()) for terms in (0, 5, 40)
    ]
    assert errors[0] > errors[1] > errors[2]


def test_beyond_twice_the_inverse_of_the_norm_more_terms_go_further_away():
    problem = Ridge()
    truth, scale = exact(problem), 2.5 / norm_of(problem)
    errors = [
        float((by_series(problem, terms=terms, scale=scale) - truth).norm())
        for terms in (5, 20, 80)
    ]
    assert errors[0] < errors[1] < errors[2] and errors[2] > 100 * float(truth.norm())


def test_a_series_that_grows_tells_how_large_the_hessian_is():
    problem = Ridge()
    theta, norm = solved(problem).requires_grad_(), norm_of(problem)
    gradients = [batch_gradient(lambda: problem.train(theta, problem.learned), [theta])]
    outer = torch.autograd.grad(problem.val(theta), [theta])
    for factor in (0.5, 3.0):
        scale = factor / norm
        found = inverse_product(gradients, outer, weights=[theta], terms=12, scale=scale).norm
        assert found <= norm * (1 + 1e-9)
        assert (scale * found >= 2) == (factor > 2)


def test_batches_are_averaged():
    problem = Softmax()
    one, three = (by_series(problem, terms=4, scale=0.5, batches=n) for n in (1, 3))
    torch.testing.assert_close(one, three)


def test_the_norm_is_the_largest_eigenvalue_and_approached_from_below():
    problem = Softmax()
    theta = solved(problem).requires_grad_()
    gradients = [batch_gradient(lambda: problem.train(theta, problem.learned), [theta])]
    start = [drawn(D * C, seed=7)]
    found = [
        spectral_norm(gradients, start, weights=[theta], iterations=n).value for n in (1, 5, 200)
    ]
    truth = norm_of(problem)
    assert found[0] < found[1] < truth * (1 + 1e-9)
    assert found[2] == pytest.approx(truth, rel=1e-6)


def test_the_norm_of_no_curvature_is_zero():
    theta = drawn(D, seed=0).requires_grad_()
    gradients = [batch_gradient(theta.sum, [theta])]
    assert spectral_norm(gradients, [drawn(D, seed=1)], weights=[theta], iterations=3).value == 0


def test_what_the_loss_does_not_contain_has_a_slope_of_zero():
    theta, other = drawn(D, seed=0).requires_grad_(), torch.ones(2, requires_grad=True)
    gradients = [batch_gradient(lambda: theta.square().sum(), [theta])]
    found = hypergradient(
        gradients, [torch.ones(D)], weights=[theta], learned=[other], terms=2, scale=0.1
    )
    assert found[0].tolist() == [0, 0]


def test_graphs_that_are_held_and_graphs_made_again_give_the_same():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
    net.append(nn.Linear(4 * 36, 3))
    weights, images = list(net.parameters()), drawn(2, 8, 1, 8, 8, seed=1)
    labels = torch.arange(8) % 3

    def product(is_held):
        gradients = [
            batch_gradient(
                lambda batch=batch: nn.functional.cross_entropy(net(batch), labels),
                weights,
                is_held=is_held,
            )
            for batch in images
        ]
        vector = [drawn(*w.shape, seed=2) for w in weights]
        return inverse_product(gradients, vector, weights=weights, terms=3, scale=0.1).vector

    for held, again in zip(product(True), product(False), strict=True):
        torch.testing.assert_close(held, again)


def test_a_product_is_with_the_hessian():
    problem = Softmax()
    theta = solved(problem).requires_grad_()
    gradients = [batch_gradient(lambda: problem.train(theta, problem.learned), [theta])]
    _, hessian = derivatives(lambda t: problem.train(t, problem.learned), theta.detach())
    vector = drawn(D * C, seed=8)
    found = hessian_product(gradients, [vector], weights=[theta])[0]
    torch.testing.assert_close(found, hessian @ vector)
