"""`MotifClassifier`: a motif network as an estimator of scikit-learn, for its pipelines and searches."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from evocircuits.checks import checked_count
from evocircuits.errors import InputError
from evocircuits.motif import Motif
from evocircuits.nn.assemble import Classifier, classifier
from evocircuits.nn.encode import receptive_fields
from evocircuits.nn.signs import Magnitudes

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError:
    raise InputError(
        "MotifClassifier needs scikit-learn 1.6; install it with: pip install 'evocircuits[nn]'"
    ) from None

RATE_MAGNITUDE, RATE_READOUT = 0.03, 0.1
"""Adam's step for magnitudes and for the readout."""


class MotifClassifier(ClassifierMixin, BaseEstimator):
    """Copies of a motif between an encoder and a readout, trained by gradients under Dale's law.

    Each feature, scaled to 0…1 over the training data, is heard by `fields` inputs, tuned to values side by side
    (Bohte, Kok & La Poutré, Neurocomputing 48 (2002)): the nearer the value, the earlier an input's one spike. `copies`
    motifs, `epochs` passes over the data in batches of `batch_size`, trials of `steps` steps of which the input takes
    `window`. Equal `random_state`, equal network.

    Fitted: `classes_`, `network_`, `n_features_in_`.
    """

    def __init__(
        self,
        motif: Motif,
        *,
        copies: int = 16,
        fields: int = 5,
        epochs: int = 30,
        batch_size: int = 32,
        steps: int = 50,
        window: int = 20,
        random_state=None,
    ):
        self.motif = motif
        self.copies = copies
        self.fields = fields
        self.epochs = epochs
        self.batch_size = batch_size
        self.steps = steps
        self.window = window
        self.random_state = random_state

    def fit(self, X, y) -> "MotifClassifier":
        """Train on float[n, features] and n labels. Raises `ValueError` for what is none, `InputError` among them."""
        if not isinstance(self.motif, Motif):
            raise InputError(f"MotifClassifier: motif: expected a Motif; got {type(self.motif).__name__}")
        for name, least in (("copies", 1), ("fields", 2), ("epochs", 1), ("batch_size", 1)):
            checked_count(f"MotifClassifier: {name}", getattr(self, name), least=least)
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        self._low, self._span = X.min(0), np.ptp(X, 0)
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        images, labels = self._encoded(X), torch.from_numpy(labels.astype(np.int64))
        sizes = {"copies": self.copies, "steps": self.steps, "window": self.window}
        net = classifier("motif", self.motif, images.float(), classes=len(self.classes_), seed=seed, **sizes)
        self.network_ = net.to(torch.float64)
        _train(self.network_, images, labels, self.epochs, self.batch_size, seed)
        return self

    def predict_proba(self, X) -> np.ndarray:
        """float[n, classes]: the softmax of the scores, classes in the order of `classes_`."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        with torch.no_grad():
            return torch.softmax(self.network_(self._encoded(X)), 1).numpy()

    def predict(self, X) -> np.ndarray:
        """The likeliest class of each row of float[n, features]."""
        likeliest = self.predict_proba(X).argmax(1)
        return self.classes_[likeliest]

    def _encoded(self, X: np.ndarray) -> Tensor:
        span = np.where(self._span > 0, self._span, 1.0)
        share = np.clip((X - self._low) / span, 0.0, 1.0)
        return receptive_fields(torch.from_numpy(share), self.fields)


def _train(net: Classifier, images: Tensor, labels: Tensor, epochs: int, batch_size: int, seed: int) -> None:
    magnitudes = [p for m in net.modules() if isinstance(m, Magnitudes) for p in m.parameters()]
    readout = list(net.readout.parameters())
    optimizer = torch.optim.Adam(
        [{"params": magnitudes, "lr": RATE_MAGNITUDE}, {"params": readout, "lr": RATE_READOUT}]
    )
    generator = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        for batch in torch.randperm(len(images), generator=generator).split(batch_size):
            optimizer.zero_grad()
            cross_entropy(net(images[batch]), labels[batch]).backward()
            optimizer.step()
