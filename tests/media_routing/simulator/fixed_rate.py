"""An estimator that believes in a fixed rate: the control, and for tests of something else than bandwidth."""

from media_routing.sfu.bwe import BandwidthEstimator
from media_routing.sfu.bwe.loss_bound import NullLossBound
from media_routing.sfu.bwe.probing import NullProber
from media_routing.sfu.bwe.rate_control import FixedRate


def fixed_estimator(bps: float) -> BandwidthEstimator:
    return BandwidthEstimator(rate=FixedRate(bps), loss=NullLossBound(), prober=NullProber())
