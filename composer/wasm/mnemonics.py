"""How instructions are called in WebAssembly text: a name for every opcode of opcodes.py.

Source: WebAssembly specification 2.0, sections 5.4 and 6.5, and 3.0 for tail calls and relaxed SIMD. Numbers behind a prefix
are those of opcodes.py.
"""

from __future__ import annotations

from functools import lru_cache

from composer.wasm import opcodes as op

_INTEGER = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u"
_FLOAT = "eq ne lt gt le ge"
_INTEGER_MATH = "clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr"
_FLOAT_MATH = "abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign"
_FLOAT_VECTOR = "add sub mul div min max pmin pmax"

_ROWS = (
    # first, what stands before each name, names
    (0x00, "", "unreachable nop block loop if else"), (0x0B, "", "end br br_if br_table return"),
    (0x10, "", "call call_indirect return_call return_call_indirect"), (0x1A, "", "drop select select"),
    (0x20, "", "local.get local.set local.tee global.get global.set table.get table.set"),
    (0x28, "", "i32.load i64.load f32.load f64.load"), (0x2C, "i32.", "load8_s load8_u load16_s load16_u"),
    (0x30, "i64.", "load8_s load8_u load16_s load16_u load32_s load32_u"), (0x36, "", "i32.store i64.store f32.store f64.store"),
    (0x3A, "", "i32.store8 i32.store16 i64.store8 i64.store16 i64.store32 memory.size memory.grow"),
    (0x41, "", "i32.const i64.const f32.const f64.const"),
    (0x45, "i32.", f"eqz {_INTEGER}"), (0x50, "i64.", f"eqz {_INTEGER}"), (0x5B, "f32.", _FLOAT), (0x61, "f64.", _FLOAT),
    (0x67, "i32.", _INTEGER_MATH), (0x79, "i64.", _INTEGER_MATH), (0x8B, "f32.", _FLOAT_MATH), (0x99, "f64.", _FLOAT_MATH),
    (0xA7, "i32.", "wrap_i64 trunc_f32_s trunc_f32_u trunc_f64_s trunc_f64_u"),
    (0xAC, "i64.", "extend_i32_s extend_i32_u trunc_f32_s trunc_f32_u trunc_f64_s trunc_f64_u"),
    (0xB2, "f32.", "convert_i32_s convert_i32_u convert_i64_s convert_i64_u demote_f64"),
    (0xB7, "f64.", "convert_i32_s convert_i32_u convert_i64_s convert_i64_u promote_f32"),
    (0xBC, "", "i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64"),
    (0xC0, "", "i32.extend8_s i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s"),
    (0xD0, "ref.", "null is_null func"),
)

_MISC_ROWS = (
    (0, "i32.trunc_sat_", "f32_s f32_u f64_s f64_u"), (4, "i64.trunc_sat_", "f32_s f32_u f64_s f64_u"),
    (8, "", "memory.init data.drop memory.copy memory.fill table.init elem.drop table.copy table.grow table.size table.fill"),
)

_SIMD_ROWS = (
    (0x00, "v128.", "load load8x8_s load8x8_u load16x4_s load16x4_u load32x2_s load32x2_u"),
    (0x07, "v128.", "load8_splat load16_splat load32_splat load64_splat store const"), (0x0D, "i8x16.", "shuffle swizzle"),
    (0x0F, "", "i8x16.splat i16x8.splat i32x4.splat i64x2.splat f32x4.splat f64x2.splat"),
    (0x15, "i8x16.", "extract_lane_s extract_lane_u replace_lane"), (0x18, "i16x8.", "extract_lane_s extract_lane_u replace_lane"),
    (0x1B, "", "i32x4.extract_lane i32x4.replace_lane i64x2.extract_lane i64x2.replace_lane"),
    (0x1F, "", "f32x4.extract_lane f32x4.replace_lane f64x2.extract_lane f64x2.replace_lane"),
    (0x23, "i8x16.", _INTEGER), (0x2D, "i16x8.", _INTEGER), (0x37, "i32x4.", _INTEGER), (0x41, "f32x4.", _FLOAT), (0x47, "f64x2.", _FLOAT),
    (0x4D, "v128.", "not and andnot or xor bitselect any_true"),
    (0x54, "v128.", "load8_lane load16_lane load32_lane load64_lane store8_lane store16_lane store32_lane store64_lane"),
    (0x5C, "", "v128.load32_zero v128.load64_zero f32x4.demote_f64x2_zero f64x2.promote_low_f32x4"),
    (0x60, "i8x16.", "abs neg popcnt all_true bitmask narrow_i16x8_s narrow_i16x8_u"), (0x67, "f32x4.", "ceil floor trunc nearest"),
    (0x6B, "i8x16.", "shl shr_s shr_u add add_sat_s add_sat_u sub sub_sat_s sub_sat_u"), (0x74, "f64x2.", "ceil floor"),
    (0x76, "i8x16.", "min_s min_u max_s max_u"), (0x7A, "", "f64x2.trunc i8x16.avgr_u"),
    (0x7C, "", "i16x8.extadd_pairwise_i8x16_s i16x8.extadd_pairwise_i8x16_u i32x4.extadd_pairwise_i16x8_s i32x4.extadd_pairwise_i16x8_u"),
    (0x80, "i16x8.", "abs neg q15mulr_sat_s all_true bitmask narrow_i32x4_s narrow_i32x4_u"),
    (0x87, "i16x8.", "extend_low_i8x16_s extend_high_i8x16_s extend_low_i8x16_u extend_high_i8x16_u"),
    (0x8B, "i16x8.", "shl shr_s shr_u add add_sat_s add_sat_u sub sub_sat_s sub_sat_u"), (0x94, "", "f64x2.nearest"),
    (0x95, "i16x8.", "mul min_s min_u max_s max_u"), (0x9B, "i16x8.", "avgr_u"),
    (0x9C, "i16x8.", "extmul_low_i8x16_s extmul_high_i8x16_s extmul_low_i8x16_u extmul_high_i8x16_u"),
    (0xA0, "i32x4.", "abs neg"), (0xA3, "i32x4.", "all_true bitmask"),
    (0xA7, "i32x4.", "extend_low_i16x8_s extend_high_i16x8_s extend_low_i16x8_u extend_high_i16x8_u shl shr_s shr_u add"),
    (0xB1, "i32x4.", "sub"), (0xB5, "i32x4.", "mul min_s min_u max_s max_u dot_i16x8_s"),
    (0xBC, "i32x4.", "extmul_low_i16x8_s extmul_high_i16x8_s extmul_low_i16x8_u extmul_high_i16x8_u"),
    (0xC0, "i64x2.", "abs neg"), (0xC3, "i64x2.", "all_true bitmask"),
    (0xC7, "i64x2.", "extend_low_i32x4_s extend_high_i32x4_s extend_low_i32x4_u extend_high_i32x4_u shl shr_s shr_u add"),
    (0xD1, "i64x2.", "sub"), (0xD5, "i64x2.", "mul eq ne lt_s gt_s le_s ge_s"),
    (0xDC, "i64x2.", "extmul_low_i32x4_s extmul_high_i32x4_s extmul_low_i32x4_u extmul_high_i32x4_u"),
    (0xE0, "f32x4.", "abs neg"), (0xE3, "f32x4.", f"sqrt {_FLOAT_VECTOR}"), (0xEC, "f64x2.", "abs neg"), (0xEF, "f64x2.", f"sqrt {_FLOAT_VECTOR}"),
    (0xF8, "", "i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u"),
    (0xFC, "", "i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u"),
    (0x100, "", "i8x16.relaxed_swizzle i32x4.relaxed_trunc_f32x4_s i32x4.relaxed_trunc_f32x4_u"),
    (0x103, "", "i32x4.relaxed_trunc_f64x2_s_zero i32x4.relaxed_trunc_f64x2_u_zero"),
    (0x105, "", "f32x4.relaxed_madd f32x4.relaxed_nmadd f64x2.relaxed_madd f64x2.relaxed_nmadd"),
    (0x109, "", "i8x16.relaxed_laneselect i16x8.relaxed_laneselect i32x4.relaxed_laneselect i64x2.relaxed_laneselect"),
    (0x10D, "", "f32x4.relaxed_min f32x4.relaxed_max f64x2.relaxed_min f64x2.relaxed_max"),
    (0x111, "", "i16x8.relaxed_q15mulr_s i16x8.relaxed_dot_i8x16_i7x16_s i32x4.relaxed_dot_i8x16_i7x16_add_s"),
)


@lru_cache(maxsize=1)
def mnemonics() -> dict[int, str]:
    """The name of each opcode."""
    return {**_spread(_ROWS, 0), **_spread(_MISC_ROWS, op.MISC), **_spread(_SIMD_ROWS, op.SIMD)}


def _spread(rows: tuple[tuple[int, str, str], ...], prefix: int) -> dict[int, str]:
    return {prefix << 12 | code: f"{before}{name}" for first, before, names in rows for code, name in enumerate(names.split(), first)}
