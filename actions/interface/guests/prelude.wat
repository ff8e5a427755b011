  ;; What every guest shares: memory, an allocator that never frees, `describe`, and the two shapes
  ;; of an answer. A fresh instance serves each call, so nothing has to be freed.
  ;;
  ;; Memory: 16 the answer, 96 the answer of an import, 192 plugin-info, 256 two action-infos,
  ;; 512 texts of the prelude, 2048 texts of the guest, 65536 the heap.
  (memory (export "memory") 2)
  (global $heap (mut i32) (i32.const 65536))

  (func $realloc (export "cabi_realloc")
    (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    ;; Round up to eight, which satisfies every alignment asked for.
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (block $enough
      (loop $more
        (br_if $enough
          (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
        (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))
        unreachable))
    (local.get $at))

  ;; The length of the text at `at`, which ends with a zero byte.
  (func $len (param $at i32) (result i32)
    (local $end i32)
    (local.set $end (local.get $at))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (i32.load8_u (local.get $end))))
        (local.set $end (i32.add (local.get $end) (i32.const 1)))
        (br $next)))
    (i32.sub (local.get $end) (local.get $at)))

  ;; Stores the text at `text` as a string field at `field`.
  (func $put (param $field i32) (param $text i32)
    (i32.store (local.get $field) (local.get $text))
    (i32.store offset=4 (local.get $field) (call $len (local.get $text))))

  (data (i32.const 512) "guest\00")
  (data (i32.const 528) "act\00")
  (data (i32.const 536) "undo-act\00")
  (data (i32.const 560) "Acts, for tests.\00")
  (data (i32.const 592) "{\"type\":\"object\",\"additionalProperties\":false}\00")
  (data (i32.const 704)
    "{\"type\":\"object\",\"required\":[\"device_id\"],\"additionalProperties\":false,"
    "\"properties\":{\"device_id\":{\"type\":\"string\",\"x-entity\":\"device\"}},"
    "\"examples\":[{\"device_id\":\"d1\"}]}\00")
  (data (i32.const 960)
    "{\"type\":\"object\",\"required\":[\"ok\"],\"additionalProperties\":false,"
    "\"properties\":{\"ok\":{\"type\":\"boolean\"}},\"examples\":[{\"ok\":true}]}\00")
  (data (i32.const 1216) "graph\00")
  (data (i32.const 1232) "Machine.Read.All\00")
  (data (i32.const 1264) "{\"ok\":true}\00")
  (data (i32.const 1280) "{\"ok\":false}\00")

  ;; An action-info of 92 bytes at `at`; what stays zero means read, natural, false, none, empty.
  (func $action (param $at i32) (param $name i32) (param $effect i32)
    (call $put (local.get $at) (local.get $name))
    (call $put (i32.add (local.get $at) (i32.const 8)) (i32.const 560))
    (call $put (i32.add (local.get $at) (i32.const 16)) (i32.const 560))
    (call $put (i32.add (local.get $at) (i32.const 24)) (i32.const 704))
    (call $put (i32.add (local.get $at) (i32.const 32)) (i32.const 960))
    (i32.store8 offset=40 (local.get $at) (local.get $effect))
    (i32.store8 offset=42 (local.get $at) (global.get $simulates))
    ;; An action that contains names its undo.
    (if (i32.eq (local.get $effect) (i32.const 3))
      (then
        (i32.store8 offset=44 (local.get $at) (i32.const 1))
        (call $put (i32.add (local.get $at) (i32.const 48)) (i32.const 536)))))

  (func $describe (result i32)
    (call $put (i32.const 192) (i32.const 512))
    (call $put (i32.const 200) (i32.const 560))
    (call $put (i32.const 208) (i32.const 592))
    (i32.store (i32.const 216) (i32.const 256))
    (i32.store (i32.const 220) (i32.const 2))
    (call $action (i32.const 256) (i32.const 528) (global.get $effect))
    (call $action (i32.const 348) (i32.const 536) (i32.const 4))
    ;; `act` reads Graph: api, and one permission for applications.
    (i32.store8 (i32.const 312) (i32.const 1))
    (call $put (i32.const 316) (i32.const 1216))
    (call $put (i32.const 472) (i32.const 1232))
    (i32.store (i32.const 324) (i32.const 472))
    (i32.store (i32.const 328) (i32.const 1))
    (i32.const 192))

  ;; ok(done(text))
  (func $done (param $text i32) (result i32)
    (call $put (i32.const 24) (local.get $text))
    (i32.const 16))

  ;; ok(done("{\"ok\":…}"))
  (func $done-if (param $ok i32) (result i32)
    (call $done (select (i32.const 1264) (i32.const 1280) (local.get $ok))))

  ;; err(permanent(failure)) with code and message the same text
  (func $fail (param $kind i32) (param $text i32) (result i32)
    (i32.store8 (i32.const 16) (i32.const 1))
    (i32.store8 (i32.const 20) (i32.const 1))
    (i32.store8 (i32.const 24) (local.get $kind))
    (call $put (i32.const 28) (local.get $text))
    (call $put (i32.const 36) (local.get $text))
    (i32.const 16))
