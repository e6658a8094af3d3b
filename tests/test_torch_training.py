"""Training steps in PyTorch are those of Keras."""

import dataclasses

import keras
import numpy as np
import pytest

from tf_handgroups.layers.joint_group_selector import JointGroupSelector
from tf_handgroups.recipes import get_recipe

torch = pytest.importorskip("torch", reason="PyTorch is not installed; only a benchmark needs it")

from benchmarks import training_throughput  # noqa: E402
from benchmarks.torch_training import TorchTraining  # noqa: E402


def small(name: str, **changes):
    changes = {"input_size": 64, "group_channels": 8, "batch_size": 2, "steps": 8} | changes
    return dataclasses.replace(get_recipe(name), pretrained=False, **changes)


def test_steps_are_those_of_keras():
    """Losses, clipping, warm-up, rates."""
    recipe = small("mobile", learning_rate=1e-4)
    batch = training_throughput.make_batch(recipe)
    ours = training_throughput.KerasTraining(recipe, batch)
    # For a few steps quicker than making a graph.
    ours.model.run_eagerly = True
    ours.model.make_train_function(force=True)
    theirs = training_throughput.same_start(ours, recipe)
    tensors = theirs.batch(*batch)
    own, other = [], []
    for _ in range(4):
        ours.model.reset_metrics()
        own.append(ours.step())
        other.append(theirs.step(*tensors))
    # The first step's rate is 0; later ones learn.
    assert own[1] == pytest.approx(own[0], rel=1e-5) and own[3] < 0.98 * own[0]
    np.testing.assert_allclose(own, other, rtol=2e-3)


def test_loss_of_the_papers_network_is_that_of_keras():
    """Eight hands: batch norms over fewer places of 2x2 maps would enlarge rounding a lot."""
    torch.manual_seed(0)
    recipe = small("paper", batch_size=8)
    images, targets, weights = training_throughput.make_batch(recipe)
    ours = training_throughput.KerasTraining(recipe, (images, targets, weights))
    theirs = training_throughput.same_start(ours, recipe)
    outputs = ours.model(images, training=True)
    own = float(ours.model.compute_loss(images, targets, outputs, weights))
    assert own == pytest.approx(theirs.step(*theirs.batch(images, targets, weights)), rel=2e-5)


@pytest.mark.parametrize("variant", ["bfloat16", "channels_last"])
def test_variants_compute_the_same(variant):
    recipe = small("mobile")
    batch = training_throughput.make_batch(recipe)
    torch.manual_seed(0)
    plain = training_throughput.torch_network(recipe)
    other = training_throughput.torch_network(recipe)
    other.load_state_dict(plain.state_dict())
    losses = []
    for training in (
        TorchTraining(plain, recipe, hard=True),
        TorchTraining(other, recipe, hard=True, **{variant: True}),
    ):
        losses.append(training.step(*training.batch(*batch)))
    assert losses[0] == pytest.approx(losses[1], rel=2e-2 if variant == "bfloat16" else 1e-4)


@pytest.mark.parametrize("name", ["mobile", "paper"])
def test_selection_spreads_as_ours(name):
    recipe = small(name, num_groups=3)
    network = training_throughput.torch_network(recipe)
    training = TorchTraining(network, recipe)
    training.temperature = 0.5
    with torch.no_grad():
        network.logits.copy_(torch.tensor([1.0, 0.0, -1.0]).expand(21, 3))
    draws, penalty = zip(*(training._selection() for _ in range(80)), strict=True)
    selector = JointGroupSelector(
        3,
        recipe.distribution,
        temperature=0.5,
        exclusivity_weight=recipe.exclusivity_weight,
        balance_weight=recipe.balance_weight,
    )
    selector.build((None, 3, 21))
    selector.logits.assign(network.logits.detach().numpy())
    own = np.stack([keras.ops.convert_to_numpy(selector.sample_weights(n)) for n in range(80)])
    other = torch.stack(draws).detach().numpy()
    np.testing.assert_allclose(other.mean((0, 1)), own.mean((0, 1)), atol=0.03)
    np.testing.assert_allclose(other.std((0, 1)), own.std((0, 1)), atol=0.03)
    assert float(torch.as_tensor(penalty[0]).detach()) == pytest.approx(
        float(selector.penalty()), abs=1e-6
    )
    outputs = network(torch.zeros(2, 3, recipe.input_size, recipe.input_size), draws[0])
    outputs["uv_px"].sum().backward()
    assert torch.isfinite(network.logits.grad).all() and network.logits.grad.abs().sum() > 0


def test_every_weight_has_one_rate_and_decay():
    recipe = small("paper", weight_decay=0.1, selector_rate=7.0)
    training = TorchTraining(training_throughput.torch_network(recipe), recipe)
    kernels, plain, selector = training.optimizer.param_groups
    assert sum(len(group["params"]) for group in (kernels, plain, selector)) == len(
        training.parameters
    )
    assert {p.dim() for p in kernels["params"]} == {4} and kernels["weight_decay"] == 0.1
    assert plain["weight_decay"] == selector["weight_decay"] == 0
    assert selector["initial_lr"] == 7 * kernels["initial_lr"]
    (grown,) = selector["params"]
    assert grown is training.network.logits
