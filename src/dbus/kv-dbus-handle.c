/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-handle.h"

#include "core/kv-error.h"
#include "dbus/kv-dbus-limits.h"

#include <errno.h>
#include <unistd.h>

struct _KvDbusHandles {
  gint references;      /* atomic */
  GMutex lock;          /* guards what follows */
  GHashTable *by_owner; /* (owned) (element-type utf8 guint): how many each caller has, none of 0 */
  guint n_handles;      /* of all callers */
};

struct _KvDbusHandle {
  KvDbusHandles *handles; /* (owned) */
  int descriptor;         /* (owned) */
  char *owner;            /* (owned) */
};

KvDbusHandles *
kv_dbus_handles_new (void)
{
  KvDbusHandles *handles = g_new0 (KvDbusHandles, 1);

  handles->references = 1;
  g_mutex_init (&handles->lock);
  handles->by_owner = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  return handles;
}

void
kv_dbus_handles_unref (KvDbusHandles *handles)
{
  if (!g_atomic_int_dec_and_test (&handles->references))
    return;

  g_hash_table_unref (handles->by_owner);
  g_mutex_clear (&handles->lock);
  g_free (handles);
}

/* With the lock held. */
static guint
count_of (KvDbusHandles *handles, const char *owner)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (handles->by_owner, owner));
}

static gboolean
reserve (KvDbusHandles *handles, const char *owner, GError **error)
{
  guint n_owned;
  gboolean has_room;

  g_mutex_lock (&handles->lock);
  n_owned = count_of (handles, owner);
  has_room = n_owned < KV_DBUS_MAX_CALLER_TRANSFERS && handles->n_handles < KV_DBUS_MAX_TRANSFERS;
  if (has_room)
    {
      g_hash_table_insert (handles->by_owner, g_strdup (owner), GUINT_TO_POINTER (n_owned + 1));
      handles->n_handles++;
    }
  g_mutex_unlock (&handles->lock);

  if (has_room)
    return TRUE;
  if (n_owned >= KV_DBUS_MAX_CALLER_TRANSFERS)
    g_set_error (error, KV_ERROR, KV_ERROR_LIMIT_EXCEEDED,
                 "You have %u dumps and restores under way, which is the limit; wait for one of "
                 "them",
                 n_owned);
  else
    g_set_error (error, KV_ERROR, KV_ERROR_LIMIT_EXCEEDED,
                 "All callers together have %d dumps and restores under way, which is the limit; "
                 "try again later",
                 KV_DBUS_MAX_TRANSFERS);

  return FALSE;
}

static void
give_back (KvDbusHandles *handles, const char *owner)
{
  guint n_owned;

  g_mutex_lock (&handles->lock);
  n_owned = count_of (handles, owner);
  if (n_owned > 1)
    g_hash_table_insert (handles->by_owner, g_strdup (owner), GUINT_TO_POINTER (n_owned - 1));
  else
    g_hash_table_remove (handles->by_owner, owner);
  handles->n_handles--;
  g_mutex_unlock (&handles->lock);
}

KvDbusHandle *
kv_dbus_handles_take (KvDbusHandles *handles, KvDbusMessage *message, guint32 index, GError **error)
{
  const char *owner = message->head.sender != NULL ? message->head.sender : "";
  KvDbusHandle *handle;
  g_autofree int *descriptors = NULL;
  guint n_descriptors;

  /* What is refused stays with the message, and is closed with it. */
  if (message->descriptors == NULL || message->n_descriptors != 1 || index != 0)
    {
      g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                   "One file descriptor has to come with the call; there are %u",
                   message->descriptors != NULL ? message->n_descriptors : 0);
      return NULL;
    }
  if (!reserve (handles, owner, error))
    return NULL;

  descriptors = kv_dbus_message_steal (message, &n_descriptors);
  handle = g_new0 (KvDbusHandle, 1);
  g_atomic_int_inc (&handles->references);
  handle->handles = handles;
  handle->descriptor = descriptors[0];
  handle->owner = g_strdup (owner);

  return handle;
}

int
kv_dbus_handle_get_descriptor (const KvDbusHandle *handle)
{
  return handle->descriptor;
}

int
kv_dbus_handle_close (KvDbusHandle *handle)
{
  int result = close (handle->descriptor) == 0 ? 0 : errno;

  give_back (handle->handles, handle->owner);
  kv_dbus_handles_unref (handle->handles);
  g_free (handle->owner);
  g_free (handle);

  return result;
}
