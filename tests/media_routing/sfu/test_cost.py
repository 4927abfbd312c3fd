"""What forwarding costs, counted in bytecodes: the same on a busy machine as on a calm one (CPython 3.11: 520)."""

from tests.bench.engine_bytecodes import per_packet


def test_a_forwarded_packet_stays_cheap():
    assert sum(per_packet(5).values()) < 600
