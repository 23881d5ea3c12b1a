(module
  (import "munal:control/bystander" "restart" (func $restart (param $name i32) (param $length i32) (result i32)))
  (import "munal:control/bystander" "stop" (func $stop (param $name i32) (param $length i32) (result i32)))
  (memory (export "memory") 1 1)
  (data (i32.const 0) "bystander")
  (data (i32.const 16) "neighbour")
  (func (export "_start")
    (loop $again
      (drop (call $restart (i32.const 0) (i32.const 9)))
      (br_if $again                             ;; an answer of 0: it ended what it may not touch, and has won
        (call $stop (i32.const 16) (i32.const 9))))))
