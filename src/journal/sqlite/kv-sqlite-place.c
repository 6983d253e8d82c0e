/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "journal/sqlite/kv-sqlite-place.h"

#include "core/kv-error.h"
#include "kv-config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Those of them that <linux/magic.h> does not have everywhere. */
#define CIFS_MAGIC 0xff534d42
#define SMB2_MAGIC 0xfe534d42

#define FILES 2 /* the database, and its log */

typedef struct {
  gboolean exists;
  guint64 inode;
  guint32 device_major;
  guint32 device_minor;
} Identity;

struct _KvSqlitePlace {
  char *paths[FILES];         /* (owned) */
  Identity identities[FILES]; /* when it was made */
};

char *
kv_sqlite_place_resolve (const char *path)
{
  char *resolved = realpath (path, NULL);
  char *copy = g_strdup (resolved != NULL ? resolved : path);

  free (resolved);
  return copy;
}

char *
kv_sqlite_place_name_log (const char *path)
{
  g_autofree char *resolved = kv_sqlite_place_resolve (path);

  return g_strconcat (resolved, "-wal", NULL);
}

gboolean
kv_sqlite_place_check_kind (const char *path, GError **error)
{
  struct stat status;

  if (stat (path, &status) != 0 || S_ISREG (status.st_mode))
    return TRUE;
  g_set_error_literal (error, KV_ERROR, KV_ERROR_UNAVAILABLE,
                       S_ISDIR (status.st_mode) ? _ ("there is a directory in its place")
                                                : _ ("what is there is no regular file"));
  return FALSE;
}

/* A file that has been synced may still be lost with the name of a directory that has not. */
static void
sync_directory (const char *path)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    return;
  if (fsync (fd) != 0)
    g_debug ("Cannot sync %s: %s", path, g_strerror (errno));
  close (fd);
}

static gboolean
create_directory (const char *path, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (path);

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    return TRUE;
  if (g_strcmp0 (parent, path) != 0 && !create_directory (parent, error))
    return FALSE;
  if (mkdir (path, 0700) != 0 && errno != EEXIST)
    {
      g_set_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE, _ ("cannot create the directory: %s"),
                   g_strerror (errno));
      return FALSE;
    }
  sync_directory (parent);
  return TRUE;
}

gboolean
kv_sqlite_place_create_directories (const char *path, GError **error)
{
  g_autofree char *directory = g_path_get_dirname (path);

  return create_directory (directory, error);
}

/* SQLite would create it readable for everybody, and tells less of why it cannot. The descriptor is closed before SQLite has
 * any of its locks, which closing another one would take away. */
gboolean
kv_sqlite_place_create_file (const char *path, GError **error)
{
  g_autofree char *log = NULL;
  struct stat status, log_status;
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

  if (fd < 0)
    {
      g_set_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE,
                   _ ("cannot open the file for writing: %s"), g_strerror (errno));
      return FALSE;
    }
  if (fstat (fd, &status) != 0)
    status.st_size = 0;
  close (fd);
  log = kv_sqlite_place_name_log (path);
  if (status.st_size == 0 && stat (log, &log_status) == 0 && log_status.st_size > 0)
    {
      g_set_error (
        error, KV_ERROR, KV_ERROR_FAILED,
        _ ("there is nothing in the file, but there is in what belongs beside it (%s). Both have "
           "been "
           "left as they are. Put back the file that was there, or move both away to begin anew"),
        log);
      return FALSE;
    }
  return TRUE;
}

gboolean
kv_sqlite_place_is_remote (const char *path)
{
  struct statfs status;

  if (statfs (path, &status) != 0)
    return FALSE;
  switch ((guint32) status.f_type)
    {
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case CIFS_MAGIC:
    case SMB2_MAGIC:
    case AFS_SUPER_MAGIC:
    case CODA_SUPER_MAGIC:
      return TRUE;
    default:
      return FALSE;
    }
}

guint64
kv_sqlite_place_get_room (const char *path)
{
  struct statvfs status;

  return statvfs (path, &status) == 0 ? (guint64) status.f_bavail * status.f_frsize : G_MAXUINT32;
}

/* Asks for no more than which file it is. A file system that has told a time gives the next write a time of its own (statx(2);
 * Linux 6.13 and later), and then each sync has the inode to write, too: a third of what a commit takes. */
static Identity
identify (const char *path)
{
  struct statx status;

  if (statx (AT_FDCWD, path, 0, STATX_INO, &status) != 0)
    return (Identity){ .exists = FALSE };
  return (Identity){ TRUE, status.stx_ino, status.stx_dev_major, status.stx_dev_minor };
}

static gboolean
is_same (const Identity *a, const Identity *b)
{
  return a->exists && b->exists && a->inode == b->inode && a->device_major == b->device_major
         && a->device_minor == b->device_minor;
}

KvSqlitePlace *
kv_sqlite_place_new (const char *path, const char *log_path)
{
  KvSqlitePlace *self = g_new0 (KvSqlitePlace, 1);
  const char *paths[FILES] = { path, log_path };

  for (guint i = 0; i < FILES; i++)
    {
      self->paths[i] = g_strdup (paths[i]);
      self->identities[i] = identify (self->paths[i]);
    }
  return self;
}

void
kv_sqlite_place_free (KvSqlitePlace *self)
{
  for (guint i = 0; i < FILES; i++)
    g_free (self->paths[i]);
  g_free (self);
}

gboolean
kv_sqlite_place_check (const KvSqlitePlace *self, GError **error)
{
  for (guint i = 0; i < FILES; i++)
    {
      Identity now;

      if (!self->identities[i].exists)
        continue;
      now = identify (self->paths[i]);
      if (is_same (&now, &self->identities[i]))
        continue;
      g_set_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE,
                   _ ("%s is not there any more, and what is written to it would be lost"),
                   self->paths[i]);
      return FALSE;
    }
  return TRUE;
}
