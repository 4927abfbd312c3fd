"""Bandwidth estimation of one receiver: `BandwidthEstimator` over a `SentHistory`."""

from media_routing.sfu.bwe.estimator import BandwidthEstimator, EstimatorConfig
from media_routing.sfu.bwe.sent_history import HISTORY_MASK, HISTORY_SIZE, SentHistory

__all__ = ["HISTORY_MASK", "HISTORY_SIZE", "BandwidthEstimator", "EstimatorConfig", "SentHistory"]
