/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-entry.h"

G_BEGIN_DECLS

/**
 * KvOperationKind:
 * @KV_OPERATION_GET: read the key
 * @KV_OPERATION_PUT: create or replace the key
 * @KV_OPERATION_DELETE: delete the key
 * @KV_OPERATION_SWAP: replace the value if it equals the expected one, or if the condition holds; the deadline stays
 * @KV_OPERATION_TOUCH: give the key another deadline; the value stays
 * @KV_OPERATION_INCREMENT: add to the decimal 64-bit integer that the value is; an absent key counts as 0, the
 *   deadline stays
 */
typedef enum {
  KV_OPERATION_GET,
  KV_OPERATION_PUT,
  KV_OPERATION_DELETE,
  KV_OPERATION_SWAP,
  KV_OPERATION_TOUCH,
  KV_OPERATION_INCREMENT,
} KvOperationKind;

/**
 * KvCondition:
 * @KV_CONDITION_NONE: always holds
 * @KV_CONDITION_ABSENT: holds when there is no such key
 * @KV_CONDITION_PRESENT: holds when there is such a key
 * @KV_CONDITION_REVISION: holds when the key is there at the given revision, or at one of several
 * @KV_CONDITION_NOT_REVISION: the opposite: holds also when there is no such key
 * @KV_CONDITION_VALUE: holds when the key is there with the given value
 * @KV_CONDITION_NOT_VALUE: the opposite: holds also when there is no such key
 *
 * Which state of a key something is asked for. A key that has expired is not there. Revisions are those of other
 * transactions: what the same one has put there is at none yet.
 */
typedef enum {
  KV_CONDITION_NONE,
  KV_CONDITION_ABSENT,
  KV_CONDITION_PRESENT,
  KV_CONDITION_REVISION,
  KV_CONDITION_NOT_REVISION,
  KV_CONDITION_VALUE,
  KV_CONDITION_NOT_VALUE,
} KvCondition;

/**
 * KvOperation:
 * @kind: what to do
 * @condition: when to do it; looked at first, and by every kind
 * @keep_deadline: PUT: keep the deadline of the entry that is replaced, if any
 * @want_previous: give the entry that was there in the result, if it is replaced or deleted
 * @want_entry: PUT, SWAP, TOUCH: give the new entry in the result
 * @n_more_revisions: the length of @more_revisions
 * @if_revision: for %KV_CONDITION_REVISION and NOT_REVISION; 0 is the revision of no key
 * @more_revisions: (array length=n_more_revisions) (nullable): other revisions that will do as well as @if_revision.
 *   Borrowed until kv_store_submit() returns
 * @delta: INCREMENT: what to add
 * @expected: (array length=expected_length) (nullable): %KV_CONDITION_VALUE, NOT_VALUE and SWAP: the value to compare
 *   with; a SWAP without one compares none, and leaves it to the condition. Borrowed until kv_store_submit() returns
 * @expected_length: its bytes
 * @draft: (owned): the key, and for PUT and SWAP the new value, and for PUT and TOUCH the deadline
 *
 * One step of a write or a batch: a plain value that may live on the stack. Make it with one of the
 * kv_operation_init functions, refine it by its fields, clear it with kv_operation_clear(). A draft is used up by the
 * store when the operation is carried out.
 */
typedef struct {
  KvOperationKind kind : 8;
  KvCondition condition : 8;
  guint keep_deadline : 1;
  guint want_previous : 1;
  guint want_entry : 1;
  guint n_more_revisions;
  guint64 if_revision;
  const guint64 *more_revisions;
  gint64 delta;
  const char *expected;
  gsize expected_length;
  KvEntry *draft;
} KvOperation;

/**
 * kv_operation_init:
 * @kind: GET, DELETE, INCREMENT (set @delta) or TOUCH (use kv_operation_init_touch())
 * @key: (array length=key_length): the key
 * @key_length: its bytes, or -1
 * @error: set to %KV_ERROR_INVALID_KEY
 *
 * Makes an operation that brings no value. On failure @operation holds nothing and needs no clearing.
 */
gboolean kv_operation_init (KvOperation *operation,
                            KvOperationKind kind,
                            const char *key,
                            gssize key_length,
                            GError **error);

/**
 * kv_operation_init_put:
 * @deadline: in kv_clock_now() microseconds, or %KV_NO_DEADLINE
 * @error: as kv_entry_new() has it
 */
gboolean kv_operation_init_put (KvOperation *operation,
                                const char *key,
                                gssize key_length,
                                const char *value,
                                gssize value_length,
                                gint64 deadline,
                                GError **error);

/**
 * kv_operation_init_swap:
 * @expected: borrowed until the operation has been submitted; it need not be UTF-8 (then it never matches)
 * @error: as kv_entry_new() has it
 */
gboolean kv_operation_init_swap (KvOperation *operation,
                                 const char *key,
                                 gssize key_length,
                                 const char *expected,
                                 gsize expected_length,
                                 const char *value,
                                 gssize value_length,
                                 GError **error);

/**
 * kv_operation_init_swap_revision:
 * @revision: the revision at which the key must be
 * @error: as kv_entry_new() has it
 *
 * A swap by revision: whatever the value is, nobody has written since.
 */
gboolean kv_operation_init_swap_revision (KvOperation *operation,
                                          const char *key,
                                          gssize key_length,
                                          guint64 revision,
                                          const char *value,
                                          gssize value_length,
                                          GError **error);

/**
 * kv_operation_init_touch:
 * @deadline: the new deadline in kv_clock_now() microseconds, or %KV_NO_DEADLINE to take it away
 * @error: set to %KV_ERROR_INVALID_KEY
 */
gboolean kv_operation_init_touch (KvOperation *operation,
                                  const char *key,
                                  gssize key_length,
                                  gint64 deadline,
                                  GError **error);

void kv_operation_clear (KvOperation *operation);

/**
 * KvResultStatus:
 * @KV_RESULT_FOUND: GET: here it is
 * @KV_RESULT_CREATED: PUT, INCREMENT: the key was not there before
 * @KV_RESULT_REPLACED: PUT, SWAP, TOUCH, INCREMENT: the key was there before
 * @KV_RESULT_DELETED: DELETE: it was there and is no more
 * @KV_RESULT_NOT_FOUND: GET, DELETE, TOUCH: no such key, where no condition asks for one; SWAP: no such key
 * @KV_RESULT_CONDITION_FAILED: the condition did not hold, or the value was not the expected one. Also of a key that is not
 *   there, as RFC 9110 has it (13.1.1); then the result has no entry
 * @KV_RESULT_NOT_A_NUMBER: INCREMENT: the value is no decimal integer, or the sum leaves 64 bits
 * @KV_RESULT_ABORTED: another operation of the same atomic transaction failed, so this one was not done
 */
typedef enum {
  KV_RESULT_FOUND,
  KV_RESULT_CREATED,
  KV_RESULT_REPLACED,
  KV_RESULT_DELETED,
  KV_RESULT_NOT_FOUND,
  KV_RESULT_CONDITION_FAILED,
  KV_RESULT_NOT_A_NUMBER,
  KV_RESULT_ABORTED,
} KvResultStatus;

/**
 * KvResult:
 * @status: what came of it
 * @revision: of the change, or of the entry that was read or stood in the way; 0 when there is none
 * @entry: (nullable) (owned): GET: what was found; INCREMENT, and others if asked for: the new entry; CONDITION_FAILED and
 *   NOT_A_NUMBER: what is there instead (if anything). Otherwise %NULL: the writer knows what it wrote
 * @previous: (nullable) (owned): what was replaced or deleted, if asked for
 */
typedef struct {
  KvResultStatus status;
  guint64 revision;
  KvEntry *entry;
  KvEntry *previous;
} KvResult;

void kv_result_clear (KvResult *result);

/**
 * kv_result_to_error:
 * @result: a result
 * @error: set to %KV_ERROR_NOT_FOUND, %KV_ERROR_CONDITION_FAILED or %KV_ERROR_NOT_A_NUMBER
 *
 * Returns: %TRUE if the operation did what it should, %FALSE and @error otherwise
 */
gboolean kv_result_to_error (const KvResult *result, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KvOperation, kv_operation_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KvResult, kv_result_clear)

G_END_DECLS
