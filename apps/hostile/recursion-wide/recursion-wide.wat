;; Passes 32 vectors down without end: each step of the stack is wider than what is often left below its last page.
(module
  (memory (export "memory") 1 1)
  (func $down
    (param $v0 v128) (param $v1 v128) (param $v2 v128) (param $v3 v128) (param $v4 v128) (param $v5 v128) (param $v6 v128) (param $v7 v128)
    (param $v8 v128) (param $v9 v128) (param $v10 v128) (param $v11 v128) (param $v12 v128) (param $v13 v128) (param $v14 v128) (param $v15 v128)
    (param $v16 v128) (param $v17 v128) (param $v18 v128) (param $v19 v128) (param $v20 v128) (param $v21 v128) (param $v22 v128) (param $v23 v128)
    (param $v24 v128) (param $v25 v128) (param $v26 v128) (param $v27 v128) (param $v28 v128) (param $v29 v128) (param $v30 v128) (param $v31 v128)
    (result v128)
    (i8x16.add (local.get $v0) (call $down
      (local.get $v1) (local.get $v2) (local.get $v3) (local.get $v4) (local.get $v5) (local.get $v6) (local.get $v7) (local.get $v8)
      (local.get $v9) (local.get $v10) (local.get $v11) (local.get $v12) (local.get $v13) (local.get $v14) (local.get $v15) (local.get $v16)
      (local.get $v17) (local.get $v18) (local.get $v19) (local.get $v20) (local.get $v21) (local.get $v22) (local.get $v23) (local.get $v24)
      (local.get $v25) (local.get $v26) (local.get $v27) (local.get $v28) (local.get $v29) (local.get $v30) (local.get $v31) (local.get $v0)
    )))
  (func (export "_start")
    (drop (call $down
      (v128.const i64x2 0 1) (v128.const i64x2 1 2) (v128.const i64x2 2 3) (v128.const i64x2 3 4)
      (v128.const i64x2 4 5) (v128.const i64x2 5 6) (v128.const i64x2 6 7) (v128.const i64x2 7 8)
      (v128.const i64x2 8 9) (v128.const i64x2 9 10) (v128.const i64x2 10 11) (v128.const i64x2 11 12)
      (v128.const i64x2 12 13) (v128.const i64x2 13 14) (v128.const i64x2 14 15) (v128.const i64x2 15 16)
      (v128.const i64x2 16 17) (v128.const i64x2 17 18) (v128.const i64x2 18 19) (v128.const i64x2 19 20)
      (v128.const i64x2 20 21) (v128.const i64x2 21 22) (v128.const i64x2 22 23) (v128.const i64x2 23 24)
      (v128.const i64x2 24 25) (v128.const i64x2 25 26) (v128.const i64x2 26 27) (v128.const i64x2 27 28)
      (v128.const i64x2 28 29) (v128.const i64x2 29 30) (v128.const i64x2 30 31) (v128.const i64x2 31 32)
    ))))
