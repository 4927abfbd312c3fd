import pytest

from media_routing.sfu.packet_cache import PacketCache


def test_it_keeps_the_last_and_knows_duplicates():
    cache = PacketCache(4)
    assert all(cache.put(number, b"%d" % number) for number in (100, 102, 101, 103))
    assert not cache.put(101, b"again")
    assert cache.get(101) == b"101" and cache.get(99) is None
    assert cache.put(105, b"105")
    assert cache.get(101) is None
    assert not cache.put(101, b"too old")
    cache.clear()
    assert cache.get(105) is None


@pytest.mark.parametrize("size", [0, 3, -4])
def test_sizes_are_powers_of_two(size):
    with pytest.raises(ValueError, match="power of two"):
        PacketCache(size)
