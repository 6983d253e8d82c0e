/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-transaction.h"

#include "core/kv-error.h"
#include "core/kv-transaction.h"
#include "dbus/kv-dbus-codec.h"
#include "dbus/kv-dbus-error.h"
#include "dbus/kv-dbus-limits.h"
#include "dbus/kv-dbus-options.h"

#include <string.h>

#define CONDITION_TYPE "(sa{sv})"
#define OPERATION_TYPE "(sssa{sv})"

typedef enum {
  CONDITIONS,
  THEN,
  ELSE,
  N_LISTS
} List;

static const char *const list_names[N_LISTS] = { "conditions", "then", "else" };

static void
name_entry (GError **error, List list, gsize index, gsize n_entries)
{
  g_prefix_error (error, "Entry %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " in %s: ", index + 1,
                  n_entries, list_names[list]);
}

/* --- conditions --- */

/* What else the condition is about is in @options. FALSE when these do not ask for just one thing. */
static gboolean
set_condition (const KvDbusOptions *options, KvOperation *operation)
{
  switch (options->given)
    {
    case KV_DBUS_OPTION_ABSENT:
      operation->condition = KV_CONDITION_ABSENT;
      return TRUE;
    case KV_DBUS_OPTION_PRESENT:
      operation->condition = KV_CONDITION_PRESENT;
      return TRUE;
    case KV_DBUS_OPTION_REVISION:
      operation->condition = KV_CONDITION_REVISION;
      break;
    case KV_DBUS_OPTION_NOT_REVISION:
      operation->condition = KV_CONDITION_NOT_REVISION;
      break;
    case KV_DBUS_OPTION_VALUE:
      operation->condition = KV_CONDITION_VALUE;
      break;
    case KV_DBUS_OPTION_NOT_VALUE:
      operation->condition = KV_CONDITION_NOT_VALUE;
      break;
    default:
      return FALSE;
    }
  operation->if_revision = options->revision;
  operation->expected = options->value;
  operation->expected_length = options->value_length;

  return TRUE;
}

static gboolean
init_condition (KvOperation *operation, KvDbusReader *entries, GError **error)
{
  KvDbusOptions options;
  const char *key;
  gsize length;

  kv_dbus_reader_enter_struct (entries);
  key = kv_dbus_reader_take_string (entries, &length);
  if (!kv_dbus_options_parse (entries, KV_DBUS_OPTIONS_CONDITION, &options, error)
      || !kv_operation_init (operation, KV_OPERATION_GET, key, (gssize) length, error))
    return FALSE;
  if (set_condition (&options, operation))
    return TRUE;
  g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                       "A condition is to have one of absent, present, revision, not_revision, "
                       "value and not_value, and no more");
  kv_operation_clear (operation);

  return FALSE;
}

/* --- operations --- */

static const struct {
  const char *name;
  KvOperationKind kind;
  guint options;
} methods[] = {
  { "GET", KV_OPERATION_GET, 0 },
  { "PUT", KV_OPERATION_PUT,
    KV_DBUS_OPTION_TTL | KV_DBUS_OPTION_EXPIRES_AT | KV_DBUS_OPTION_KEEPTTL | KV_DBUS_OPTION_PREV
      | KV_DBUS_OPTION_VALUE_BYTES },
  { "DELETE", KV_OPERATION_DELETE, KV_DBUS_OPTION_PREV },
  { "INCREMENT", KV_OPERATION_INCREMENT, KV_DBUS_OPTION_BY },
  { "TOUCH", KV_OPERATION_TOUCH, KV_DBUS_OPTION_TTL | KV_DBUS_OPTION_EXPIRES_AT },
};

static gssize
find_method (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      if (strcmp (methods[i].name, name) == 0)
        return (gssize) i;
    }

  return -1;
}

/* An operation as it is on the bus; borrowed from the message. */
typedef struct {
  const char *method;
  const char *key;
  gsize key_length;
  const char *value;
  gsize value_length;
  KvDbusOptions options;
} Entry;

static gboolean
check_value (Entry *entry, KvOperationKind kind, gsize max_value_size, GError **error)
{
  gboolean has_bytes = (entry->options.given & KV_DBUS_OPTION_VALUE_BYTES) != 0;

  if (entry->value_length > 0 && (has_bytes || kind != KV_OPERATION_PUT))
    {
      g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                   "%s takes no value%s: leave it empty", entry->method,
                   has_bytes ? " beside value_bytes" : "");
      return FALSE;
    }
  if (has_bytes)
    {
      entry->value = entry->options.value;
      entry->value_length = entry->options.value_length;
    }

  return kv_dbus_limits_check_value (entry->value_length, max_value_size, error);
}

static gboolean
init_by_kind (KvOperation *operation, KvOperationKind kind, const Entry *entry, GError **error)
{
  gint64 deadline = kv_dbus_options_get_deadline (&entry->options);
  gssize key_length = (gssize) entry->key_length;

  if (kind == KV_OPERATION_PUT)
    return kv_operation_init_put (operation, entry->key, key_length, entry->value,
                                  (gssize) entry->value_length, deadline, error);
  if (kind == KV_OPERATION_TOUCH)
    return kv_operation_init_touch (operation, entry->key, key_length, deadline, error);

  return kv_operation_init (operation, kind, entry->key, key_length, error);
}

static gboolean
init_operation (KvOperation *operation, KvDbusReader *entries, gsize max_value_size, GError **error)
{
  Entry entry;
  gssize which;

  kv_dbus_reader_enter_struct (entries);
  entry.method = kv_dbus_reader_take_string (entries, NULL);
  entry.key = kv_dbus_reader_take_string (entries, &entry.key_length);
  entry.value = kv_dbus_reader_take_string (entries, &entry.value_length);
  which = find_method (entry.method);
  if (which < 0)
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                           "The method is to be GET, PUT, DELETE, INCREMENT or TOUCH");
      return FALSE;
    }
  if (!kv_dbus_options_parse (entries, methods[which].options, &entry.options, error)
      || !check_value (&entry, methods[which].kind, max_value_size, error)
      || !init_by_kind (operation, methods[which].kind, &entry, error))
    return FALSE;
  operation->keep_deadline = (entry.options.given & KV_DBUS_OPTION_KEEPTTL) != 0;
  operation->want_previous = (entry.options.given & KV_DBUS_OPTION_PREV) != 0;
  operation->delta = (entry.options.given & KV_DBUS_OPTION_BY) ? entry.options.by : 1;

  return TRUE;
}

/* --- all of it --- */

static gboolean
add_list (KvTransaction *transaction,
          List list,
          KvDbusReader *entries,
          gsize n_entries,
          gsize max_value_size,
          GError **error)
{
  if (list == ELSE)
    kv_transaction_else (transaction);
  for (gsize i = 0; i < n_entries; i++)
    {
      g_auto (KvOperation) operation = { 0 };

      if (!(list == CONDITIONS ? init_condition (&operation, entries, error)
                               : init_operation (&operation, entries, max_value_size, error)))
        {
          name_entry (error, list, i, n_entries);
          return FALSE;
        }
      if (list == CONDITIONS)
        kv_transaction_if (transaction, &operation);
      else
        kv_transaction_add (transaction, &operation);
    }

  return TRUE;
}

static KvTransaction *
read_transaction (KvDbusReader *parameters, gsize max_value_size, GError **error)
{
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  KvDbusReader lists[N_LISTS];
  gsize counts[N_LISTS];

  for (guint i = 0; i < N_LISTS; i++)
    {
      const char *type = i == CONDITIONS ? CONDITION_TYPE : OPERATION_TYPE;

      kv_dbus_reader_take_array (parameters, type, &lists[i]);
      counts[i] = kv_dbus_reader_count (&lists[i], type);
    }
  if (!kv_dbus_limits_check_count (counts[CONDITIONS] + counts[THEN] + counts[ELSE],
                                   "conditions and operations", error))
    return NULL;
  if (counts[THEN] + counts[ELSE] == 0)
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                           "There is nothing to do: then and else are empty");
      return NULL;
    }
  for (guint i = 0; i < N_LISTS; i++)
    {
      if (!add_list (transaction, i, &lists[i], counts[i], max_value_size, error))
        return NULL;
    }

  return g_steal_pointer (&transaction);
}

/* Of an outcome of nothing: because of the first operation that could not be carried out. */
static GError *
describe_failure (const KvOutcome *outcome)
{
  guint length = kv_outcome_get_length (outcome);
  GError *error = NULL;
  guint index = 0;

  while (kv_outcome_get_result (outcome, index)->status == KV_RESULT_ABORTED)
    index++;
  kv_result_to_error (kv_outcome_get_result (outcome, index), &error);
  name_entry (&error, kv_outcome_get_branch (outcome) == KV_BRANCH_THEN ? THEN : ELSE, index,
              length);

  return error;
}

static void
write_outcome (KvDbusWriter *writer, gconstpointer data)
{
  const KvOutcome *outcome = data;
  gsize budget = KV_DBUS_MAX_REPLY_BYTES;
  KvDbusArray array;

  kv_dbus_writer_put_boolean (writer, kv_outcome_get_branch (outcome) == KV_BRANCH_THEN);
  array = kv_dbus_writer_open_array (writer, KV_DBUS_BATCH_RESULT_TYPE);
  for (guint i = 0; i < kv_outcome_get_length (outcome); i++)
    kv_dbus_codec_write_batch_result (writer, kv_outcome_get_result (outcome, i), &budget);
  kv_dbus_writer_close_array (writer, array);
  kv_dbus_writer_put_uint64 (writer, kv_outcome_get_revision (outcome));
}

static void
on_done (KvStore *store, KvOutcome *outcome, const GError *error, gpointer user_data)
{
  KvDbusCall *call = user_data;

  if (error != NULL)
    kv_dbus_error_return (call, g_error_copy (error));
  else if (!kv_outcome_is_committed (outcome))
    kv_dbus_error_return (call, describe_failure (outcome));
  else
    kv_dbus_call_return (call, write_outcome, outcome);
}

gboolean
kv_dbus_transaction_run (KvDbusContext *context,
                         KvDbusReader *parameters,
                         KvDbusCall *call,
                         GError **error)
{
  g_autoptr (KvTransaction) transaction =
    read_transaction (parameters, context->max_value_size, error);

  if (transaction == NULL)
    return FALSE;
  kv_store_submit_transaction (context->store, transaction, on_done, call);

  return TRUE;
}
