use proptest::prelude::*;
use proptest::sample::select;

/// Integers for `duration_ms` and `retry_after_ms`.
///
/// Favours 0, every power of ten and its neighbours (where the count of digits
/// changes, which a hand-made formatter gets wrong), and the ends of the integer
/// types together with 2^53 (where a reader that uses a smaller type or a float
/// gets it wrong).
pub fn edge_u64() -> BoxedStrategy<u64> {
    prop_oneof![
        4 => select(edges()),
        2 => 0..5_000_u64,
        1 => any::<u64>(),
    ]
    .boxed()
}

/// Integers for `cursor_page` and `schema_version`: as [`edge_u64`], as far as
/// they fit.
pub fn edge_u32() -> BoxedStrategy<u32> {
    let edges: Vec<u32> = edges()
        .into_iter()
        .map_while(|n| n.try_into().ok())
        .collect();
    prop_oneof![
        4 => select(edges),
        2 => 0..5_000_u32,
        1 => any::<u32>(),
    ]
    .boxed()
}

/// Integers for `chain_depth`: as [`edge_u64`], as far as they fit.
pub fn edge_u8() -> BoxedStrategy<u8> {
    let edges: Vec<u8> = edges()
        .into_iter()
        .map_while(|n| n.try_into().ok())
        .collect();
    prop_oneof![
        1 => select(edges),
        1 => any::<u8>(),
    ]
    .boxed()
}

/// In ascending order, for `select` shrinks towards the front.
fn edges() -> Vec<u64> {
    let powers_of_ten = (0..=19).map(|digits| 10_u64.pow(digits));
    let ends = [
        u64::from(u8::MAX),
        u64::from(u16::MAX),
        i32::MAX as u64,
        u64::from(u32::MAX),
        1 << 53,
        i64::MAX as u64,
        u64::MAX,
    ];
    let mut edges: Vec<u64> = powers_of_ten
        .chain(ends)
        .flat_map(|n| [n - 1, n, n.saturating_add(1)])
        .collect();
    edges.sort_unstable();
    edges.dedup();
    edges
}
