import numpy as np

from tests.hands import make_like_trained, make_sample, tiny_model
from tf_handgroups.convert.predict import Predictor
from tf_handgroups.convert.run import KerasRunner
from tf_handgroups.sample_prediction import SamplePrediction
from tf_handgroups.strategies import make_strategy

# Left hands and right ones.
SAMPLES = [make_sample(seed=seed) for seed in range(3)]


def test_predicts_what_the_predictor_does():
    model = make_like_trained(tiny_model())
    expected = Predictor(KerasRunner(model))(SAMPLES)
    for one, other in zip(SamplePrediction(model)(SAMPLES), expected, strict=True):
        np.testing.assert_allclose(one["uv_px"], other["uv_px"], atol=1e-3)
        np.testing.assert_allclose(one["z_rel"], other["z_rel"], atol=1e-4)


def test_follows_the_weights_of_a_model_on_two_replicas():
    strategy = make_strategy("mirrored")
    assert strategy.num_replicas_in_sync == 2
    with strategy.scope():
        model = tiny_model()
    predict = SamplePrediction(model)
    before = predict(SAMPLES)[0]["uv_px"]
    source = make_like_trained(tiny_model())
    model.set_weights(source.get_weights())
    after = predict(SAMPLES)
    assert np.abs(after[0]["uv_px"] - before).max() > 0.1
    expected = SamplePrediction(source)(SAMPLES)
    for one, other in zip(after, expected, strict=True):
        np.testing.assert_allclose(one["uv_px"], other["uv_px"], atol=1e-3)
