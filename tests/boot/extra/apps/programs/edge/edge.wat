;; One function a way, called by its number, from port base 0x300 on. What is allowed leaves with a code; the rest traps.
(module
  (import "munal:port/way" "base" (func $way (result i32)))
  (import "munal:sip" "exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (table $many 1 funcref)
  (type $plain (func))
  (table $ways 9 funcref)
  (elem (table $ways) (i32.const 0) func
    $the_last_word $one_byte_past $the_next_byte $the_last_of_4_gib $in_the_guard $past_the_guard $page_by_page $all_at_once $elements)

  (func $the_last_word (i32.store (i32.const 65532) (i32.const 100)) (call $exit (i32.load (i32.const 65532))))
  (func $one_byte_past (drop (i32.load (i32.const 65533))))
  (func $the_next_byte (i32.store8 (i32.const 65536) (i32.const 1)))
  (func $the_last_of_4_gib (drop (i32.load8_u (i32.const -1))))
  (func $in_the_guard (drop (i64.load offset=33554424 (i32.const -1))))
  (func $past_the_guard (i64.store offset=0xfffffff0 (i32.const -1) (i64.const 1)))

  ;; Leaves with the number of pages that it was let have, each of them written.
  (func $page_by_page
    (local $before i32)
    (loop $more
      (local.set $before (memory.grow (i32.const 1)))
      (if (i32.ne (local.get $before) (i32.const -1))
        (then (i32.store (i32.shl (local.get $before) (i32.const 16)) (i32.const 1)) (br $more))))
    (call $exit (memory.size)))

  ;; What was refused changed nothing: the first page is whole, and the next is given when there is room for it.
  (func $all_at_once
    (i32.store (i32.const 65532) (i32.const 200))
    (if (i32.ne (memory.grow (i32.const 65535)) (i32.const -1)) (then (call $exit (i32.const 1))))
    (if (i32.ne (memory.size) (i32.const 1)) (then (call $exit (i32.const 2))))
    (if (i32.ne (memory.grow (i32.const 1)) (i32.const 1)) (then (call $exit (i32.const 3))))
    (call $exit (i32.add (i32.load (i32.const 65532)) (i32.load (i32.const 65536)))))

  ;; Leaves with how many thousands of elements it was let have.
  (func $elements
    (loop $more
      (br_if $more (i32.ne (table.grow $many (ref.null func) (i32.const 1000)) (i32.const -1))))
    (call $exit (i32.div_u (table.size $many) (i32.const 1000))))

  (func (export "_start") (call_indirect $ways (type $plain) (i32.sub (call $way) (i32.const 0x300)))))
