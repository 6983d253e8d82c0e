/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "journal/sqlite/kv-sqlite-log-vfs.h"

#include <sqlite3.h>
#include <string.h>

/* Some thirty pages; what is longer goes in several pieces. Not as much as 128 KiB, where the file systems of SQLite take
 * the number of bytes modulo that. */
#define PIECE_BYTES (64 * 1024)

/* What takes twice the time of a sync, once for about a hundred. */
#define PIECES_OF_GROWTH 4

typedef struct {
  sqlite3_file base;
  sqlite3_file *real;      /* behind this struct */
  char *gathered;          /* (owned): what has not been written yet, and zeros behind it */
  gsize length;            /* of that */
  sqlite3_int64 start;     /* where it belongs in the file */
  sqlite3_int64 file_size; /* without it */
  sqlite3_int64 kept_size; /* of the file when it was last synced */
  gboolean grows;          /* whether by steps */
} LogFile;

static sqlite3_vfs *real_vfs;

static LogFile *
log_of (sqlite3_file *file)
{
  return (LogFile *) (void *) file;
}

/* What has come since the last sync is no commit: a full disk has better use for the room, when the log is to be emptied. */
static void
give_back (LogFile *self)
{
  if (self->file_size <= self->kept_size)
    return;
  if (self->real->pMethods->xTruncate (self->real, self->kept_size) == SQLITE_OK)
    self->file_size = self->kept_size;
}

/* Where there is no room for a step, the file is left as it was, and grows by what is written from then on. */
static void
grow (LogFile *self, sqlite3_int64 end)
{
  static const char zeros[PIECE_BYTES];

  for (guint i = 0; i < PIECES_OF_GROWTH; i++, end += PIECE_BYTES)
    if (self->real->pMethods->xWrite (self->real, zeros, PIECE_BYTES, end) != SQLITE_OK)
      {
        self->grows = FALSE;
        self->real->pMethods->xTruncate (self->real, self->file_size);
        return;
      }
  self->file_size = end;
}

static int
write_through (LogFile *self, const void *data, int length, sqlite3_int64 offset)
{
  sqlite3_int64 end = offset + length;
  int code;

  if (end > self->file_size && self->grows)
    grow (self, end);
  code = self->real->pMethods->xWrite (self->real, data, length, offset);
  self->file_size = MAX (self->file_size, end);
  if (code != SQLITE_OK)
    give_back (self);
  return code;
}

/* After a failure too there is nothing left: SQLite takes back what it has not seen synced. */
static int
flush (LogFile *self)
{
  gsize length = self->length;

  self->length = 0;
  return length == 0 ? SQLITE_OK : write_through (self, self->gathered, (int) length, self->start);
}

static int
log_write (sqlite3_file *file, const void *data, int length, sqlite3_int64 offset)
{
  LogFile *self = log_of (file);
  gboolean joins = offset == self->start + (sqlite3_int64) self->length
                   && self->length + (gsize) length <= PIECE_BYTES;

  if (self->length > 0 && !joins)
    {
      int code = flush (self);

      if (code != SQLITE_OK)
        return code;
    }
  if (length > PIECE_BYTES)
    return write_through (self, data, length, offset);

  if (self->length == 0)
    self->start = offset;
  memcpy (self->gathered + self->length, data, (gsize) length);
  self->length += (gsize) length;
  return SQLITE_OK;
}

static int
log_read (sqlite3_file *file, void *data, int length, sqlite3_int64 offset)
{
  LogFile *self = log_of (file);
  int code = flush (self);

  return code != SQLITE_OK ? code : self->real->pMethods->xRead (self->real, data, length, offset);
}

static int
log_truncate (sqlite3_file *file, sqlite3_int64 size)
{
  LogFile *self = log_of (file);
  int code = flush (self);

  if (code == SQLITE_OK)
    code = self->real->pMethods->xTruncate (self->real, size);
  if (code == SQLITE_OK)
    self->file_size = self->kept_size = size;
  return code;
}

static int
log_sync (sqlite3_file *file, int flags)
{
  LogFile *self = log_of (file);
  int code = flush (self);

  if (code == SQLITE_OK)
    code = self->real->pMethods->xSync (self->real, flags);
  if (code == SQLITE_OK)
    self->kept_size = self->file_size;
  return code;
}

static int
log_file_size (sqlite3_file *file, sqlite3_int64 *size)
{
  LogFile *self = log_of (file);
  int code = flush (self);

  return code != SQLITE_OK ? code : self->real->pMethods->xFileSize (self->real, size);
}

/* What has not been synced is no commit. */
static int
log_close (sqlite3_file *file)
{
  LogFile *self = log_of (file);

  g_clear_pointer (&self->gathered, g_free);
  return self->real->pMethods->xClose (self->real);
}

static int
log_lock (sqlite3_file *file, int level)
{
  return log_of (file)->real->pMethods->xLock (log_of (file)->real, level);
}

static int
log_unlock (sqlite3_file *file, int level)
{
  return log_of (file)->real->pMethods->xUnlock (log_of (file)->real, level);
}

static int
log_check_reserved_lock (sqlite3_file *file, int *result)
{
  return log_of (file)->real->pMethods->xCheckReservedLock (log_of (file)->real, result);
}

static int
log_file_control (sqlite3_file *file, int operation, void *argument)
{
  return log_of (file)->real->pMethods->xFileControl (log_of (file)->real, operation, argument);
}

static int
log_sector_size (sqlite3_file *file)
{
  return log_of (file)->real->pMethods->xSectorSize (log_of (file)->real);
}

static int
log_device_characteristics (sqlite3_file *file)
{
  return log_of (file)->real->pMethods->xDeviceCharacteristics (log_of (file)->real);
}

/* Version 1: a log is neither mapped nor shared. */
static const sqlite3_io_methods methods = {
  .iVersion = 1,
  .xClose = log_close,
  .xRead = log_read,
  .xWrite = log_write,
  .xTruncate = log_truncate,
  .xSync = log_sync,
  .xFileSize = log_file_size,
  .xLock = log_lock,
  .xUnlock = log_unlock,
  .xCheckReservedLock = log_check_reserved_lock,
  .xFileControl = log_file_control,
  .xSectorSize = log_sector_size,
  .xDeviceCharacteristics = log_device_characteristics,
};

static int
open_log (LogFile *self, const char *name, int flags, int *out_flags)
{
  int code;

  *self = (LogFile){ .real = (sqlite3_file *) (void *) (self + 1), .grows = TRUE };
  code = real_vfs->xOpen (real_vfs, name, self->real, flags, out_flags);
  if (code != SQLITE_OK)
    return code;
  code = self->real->pMethods->xFileSize (self->real, &self->file_size);
  if (code != SQLITE_OK)
    {
      self->real->pMethods->xClose (self->real);
      return code;
    }
  self->kept_size = self->file_size;
  self->gathered = g_malloc (PIECE_BYTES);
  self->base.pMethods = &methods;
  return SQLITE_OK;
}

static int
vfs_open (sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
  if (flags & SQLITE_OPEN_WAL)
    return open_log (log_of (file), name, flags, out_flags);
  /* There is room for the real one's alone, too. */
  return real_vfs->xOpen (real_vfs, name, file, flags, out_flags);
}

static gpointer
set_up (gpointer user_data)
{
  static sqlite3_vfs vfs;

  real_vfs = sqlite3_vfs_find (NULL);
  g_assert (real_vfs != NULL);
  vfs = *real_vfs;
  vfs.zName = "kvstore-log";
  vfs.pNext = NULL;
  vfs.szOsFile = (int) sizeof (LogFile) + real_vfs->szOsFile;
  vfs.xOpen = vfs_open;
  if (sqlite3_vfs_register (&vfs, 0) != SQLITE_OK)
    g_assert_not_reached ();
  return (gpointer) vfs.zName;
}

const char *
kv_sqlite_log_vfs_get_name (void)
{
  static GOnce once = G_ONCE_INIT;

  return g_once (&once, set_up, NULL);
}
