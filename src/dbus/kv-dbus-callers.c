/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#define G_LOG_DOMAIN "kvstore"

#include "dbus/kv-dbus-callers.h"

#include "core/kv-error.h"
#include "dbus/kv-dbus-limits.h"
#include "dbus/kv-dbus-names.h"

struct _KvDbusCallers {
  KvStore *store;              /* (owned) */
  KvDbusOutbox *outbox;        /* (owned) */
  GDBusConnection *connection; /* (owned) */
  KvDbusTally *tally;          /* (owned) */
  GHashTable *by_name; /* (owned) (element-type utf8 Caller): the keys belong to the callers */
  /* (owned) (element-type utf8 KvDbusWatch): all watches of all callers; key and value belong to the callers */
  GHashTable *by_path;
  guint64 last_watch;
};

typedef struct {
  KvDbusCallers *callers; /* (borrowed) */
  char *name;             /* (owned) */
  guint subscription;     /* to its leaving the bus */
  GCancellable *question; /* (owned): whether it is still there */
  KvDbusFlow *flow;       /* (owned) */
  GQueue watches;   /* (owned) (element-type KvDbusWatch): the one to be served next is in front */
  guint n_names;    /* of all watches */
  GQueue transfers; /* (owned) (element-type Transfer) */
} Caller;

typedef struct {
  gpointer transfer; /* (owned) */
  GDestroyNotify abandon;
} Transfer;

/* Tells the bus to tell of @caller's leaving, or to do so no more. GDBus would do that by itself, but takes it for a mistake
 * in the program when the bus was lost a moment ago. */
static void
change_match (Caller *caller, const char *method)
{
  g_autofree char *rule =
    g_strdup_printf ("type='signal',sender='" KV_DBUS_BUS_NAME "',path='" KV_DBUS_BUS_PATH "',"
                     "interface='" KV_DBUS_BUS_INTERFACE "',member='NameOwnerChanged',arg0='%s'",
                     caller->name);

  g_dbus_connection_call (caller->callers->connection, KV_DBUS_BUS_NAME, KV_DBUS_BUS_PATH,
                          KV_DBUS_BUS_INTERFACE, method, g_variant_new ("(s)", rule), NULL,
                          G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
}

static void
transfer_abandon (gpointer data)
{
  Transfer *transfer = data;

  transfer->abandon (transfer->transfer);
  g_free (transfer);
}

static void
caller_free (Caller *caller)
{
  g_dbus_connection_signal_unsubscribe (caller->callers->connection, caller->subscription);
  change_match (caller, "RemoveMatch");
  g_cancellable_cancel (caller->question);
  g_object_unref (caller->question);
  for (GList *link = caller->watches.head; link != NULL; link = link->next)
    g_hash_table_remove (caller->callers->by_path, kv_dbus_watch_get_path (link->data));
  g_queue_clear_full (&caller->watches, (GDestroyNotify) kv_dbus_watch_free);
  g_queue_clear_full (&caller->transfers, transfer_abandon);
  kv_dbus_flow_free (caller->flow);
  g_free (caller->name);
  g_free (caller);
}

static void
forget (Caller *caller)
{
  g_debug ("%s has left the bus: %u watches, %u dumps and restores end", caller->name,
           caller->watches.length, caller->transfers.length);
  g_hash_table_remove (caller->callers->by_name, caller->name);
}

static void
forget_if_idle (Caller *caller)
{
  if (caller->watches.length == 0 && caller->transfers.length == 0)
    g_hash_table_remove (caller->callers->by_name, caller->name);
}

static void
on_name_owner_changed (GDBusConnection *connection,
                       const char *sender,
                       const char *path,
                       const char *interface,
                       const char *signal,
                       GVariant *parameters,
                       gpointer user_data)
{
  const char *new_owner;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sss)")))
    return;
  g_variant_get_child (parameters, 2, "&s", &new_owner);
  if (*new_owner == '\0')
    forget (user_data);
}

static void
on_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GVariant) reply =
    g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  gboolean is_there;

  /* Without a reply the caller is forgotten already, or the connection is lost and all callers soon will be. */
  if (reply == NULL)
    return;
  g_variant_get (reply, "(b)", &is_there);
  if (!is_there)
    forget (user_data);
}

/* Each gets its turn: one that always has something to tell does not keep the window to itself. */
static void
on_flow_open (gpointer user_data)
{
  Caller *caller = user_data;

  for (guint n = caller->watches.length; n > 0 && kv_dbus_flow_is_open (caller->flow); n--)
    {
      KvDbusWatch *watch = g_queue_peek_head (&caller->watches);

      g_queue_push_tail_link (&caller->watches, g_queue_pop_head_link (&caller->watches));
      kv_dbus_watch_pump (watch);
    }
}

/* The bus is asked as well, behind the subscription, so that one who left before it is noticed too. */
static void
watch_name (Caller *caller)
{
  GDBusConnection *connection = caller->callers->connection;

  caller->subscription = g_dbus_connection_signal_subscribe (
    connection, KV_DBUS_BUS_NAME, KV_DBUS_BUS_INTERFACE, "NameOwnerChanged", KV_DBUS_BUS_PATH,
    caller->name, G_DBUS_SIGNAL_FLAGS_NO_MATCH_RULE, on_name_owner_changed, caller, NULL);
  change_match (caller, "AddMatch");
  caller->question = g_cancellable_new ();
  g_dbus_connection_call (connection, KV_DBUS_BUS_NAME, KV_DBUS_BUS_PATH, KV_DBUS_BUS_INTERFACE,
                          "NameHasOwner", g_variant_new ("(s)", caller->name),
                          G_VARIANT_TYPE ("(b)"), G_DBUS_CALL_FLAGS_NONE, -1, caller->question,
                          on_answered, caller);
}

static Caller *
ensure_caller (KvDbusCallers *callers, const char *name)
{
  Caller *caller = g_hash_table_lookup (callers->by_name, name);

  if (caller != NULL)
    return caller;

  caller = g_new0 (Caller, 1);
  caller->callers = callers;
  caller->name = g_strdup (name);
  g_queue_init (&caller->watches);
  g_queue_init (&caller->transfers);
  caller->flow =
    kv_dbus_flow_new (callers->outbox, callers->connection, name, on_flow_open, caller);
  watch_name (caller);
  g_hash_table_insert (callers->by_name, caller->name, caller);

  return caller;
}

KvDbusCallers *
kv_dbus_callers_new (KvStore *store,
                     KvDbusOutbox *outbox,
                     GDBusConnection *connection,
                     KvDbusTally *tally)
{
  KvDbusCallers *callers = g_new0 (KvDbusCallers, 1);

  callers->store = g_object_ref (store);
  callers->outbox = kv_dbus_outbox_ref (outbox);
  callers->connection = g_object_ref (connection);
  callers->tally = kv_dbus_tally_ref (tally);
  callers->by_name =
    g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) caller_free);
  callers->by_path = g_hash_table_new (g_str_hash, g_str_equal);

  return callers;
}

/* One who has no watch yet is never refused: a call names fewer keys than a caller may watch. */
static gboolean
check_room (const Caller *caller, const KvDbusWatchSpec *spec, GError **error)
{
  G_STATIC_ASSERT (KV_DBUS_MAX_KEYS <= KV_DBUS_MAX_NAMES);

  if (caller->watches.length >= KV_DBUS_MAX_WATCHES)
    {
      g_set_error (error, KV_ERROR, KV_ERROR_LIMIT_EXCEEDED,
                   "You have %d watches, which is the limit; close one first", KV_DBUS_MAX_WATCHES);
      return FALSE;
    }
  if (kv_dbus_watch_spec_count (spec) > KV_DBUS_MAX_NAMES - caller->n_names)
    {
      g_set_error (error, KV_ERROR, KV_ERROR_LIMIT_EXCEEDED,
                   "Your watches have %u keys and prefixes, and may have %d together; "
                   "close one first, or watch a prefix instead of many keys",
                   caller->n_names, KV_DBUS_MAX_NAMES);
      return FALSE;
    }

  return TRUE;
}

char *
kv_dbus_callers_add_watch (KvDbusCallers *callers,
                           const char *sender,
                           const KvDbusWatchSpec *spec,
                           GError **error)
{
  Caller *caller = ensure_caller (callers, sender);
  g_autofree char *path = NULL;
  KvDbusWatch *watch;

  if (!check_room (caller, spec, error))
    return NULL;

  path = g_strdup_printf (KV_DBUS_WATCH_PREFIX "%" G_GUINT64_FORMAT, ++callers->last_watch);
  watch = kv_dbus_watch_new (callers->store, callers->connection, callers->tally, sender, path,
                             spec, caller->flow, error);
  if (watch == NULL)
    {
      forget_if_idle (caller);
      return NULL;
    }
  g_queue_push_tail (&caller->watches, watch);
  g_hash_table_insert (callers->by_path, (gpointer) kv_dbus_watch_get_path (watch), watch);
  caller->n_names += kv_dbus_watch_get_names (watch);

  return g_steal_pointer (&path);
}

KvDbusWatch *
kv_dbus_callers_find_watch (KvDbusCallers *callers, const char *path)
{
  return g_hash_table_lookup (callers->by_path, path);
}

void
kv_dbus_callers_remove_watch (KvDbusCallers *callers, KvDbusWatch *watch)
{
  Caller *caller = g_hash_table_lookup (callers->by_name, kv_dbus_watch_get_owner (watch));

  g_queue_remove (&caller->watches, watch);
  caller->n_names -= kv_dbus_watch_get_names (watch);
  g_hash_table_remove (callers->by_path, kv_dbus_watch_get_path (watch));
  kv_dbus_watch_free (watch);
  forget_if_idle (caller);
}

void
kv_dbus_callers_add_transfer (KvDbusCallers *callers,
                              const char *sender,
                              gpointer transfer,
                              GDestroyNotify abandon)
{
  Transfer *added = g_new (Transfer, 1);

  *added = (Transfer){ .transfer = transfer, .abandon = abandon };
  g_queue_push_tail (&ensure_caller (callers, sender)->transfers, added);
}

void
kv_dbus_callers_remove_transfer (KvDbusCallers *callers, const char *sender, gpointer transfer)
{
  Caller *caller = g_hash_table_lookup (callers->by_name, sender);

  for (GList *link = caller->transfers.head; link != NULL; link = link->next)
    {
      Transfer *found = link->data;

      if (found->transfer != transfer)
        continue;
      g_free (found);
      g_queue_delete_link (&caller->transfers, link);
      break;
    }
  forget_if_idle (caller);
}

void
kv_dbus_callers_free (KvDbusCallers *callers)
{
  g_clear_pointer (&callers->by_name, g_hash_table_unref);
  g_clear_pointer (&callers->by_path, g_hash_table_unref);
  g_clear_pointer (&callers->outbox, kv_dbus_outbox_unref);
  g_clear_object (&callers->connection);
  g_clear_pointer (&callers->tally, kv_dbus_tally_unref);
  g_clear_object (&callers->store);
  g_free (callers);
}
