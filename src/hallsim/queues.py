"""A binary heap of 64-bit keys in a slice of an array, for compiled code.

A key packs an order and, in its lower bits, a row, so that equal orders fall to the lower row.
"""

from __future__ import annotations

from numba import njit

from hallsim.records import Int, Ints


@njit(cache=True, nogil=True, error_model="numpy")
def push(heap: Ints, base: Int, size: Int, key: Int) -> None:
    """Add a key to the heap at heap[base : base + size]; the caller counts."""
    k = size
    while k > 0:
        parent = (k - 1) >> 1
        if heap[base + parent] <= key:
            break
        heap[base + k] = heap[base + parent]
        k = parent
    heap[base + k] = key


@njit(cache=True, nogil=True, error_model="numpy")
def pop(heap: Ints, base: Int, size: Int) -> Int:
    """Take the smallest key out of the heap at heap[base : base + size]; the caller counts."""
    top = heap[base]
    key = heap[base + size - 1]
    k = 0
    while True:
        child = 2 * k + 1
        if child >= size - 1:
            break
        if child + 1 < size - 1 and heap[base + child + 1] < heap[base + child]:
            child += 1
        if heap[base + child] >= key:
            break
        heap[base + k] = heap[base + child]
        k = child
    heap[base + k] = key
    return top
