/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "fault-vfs.h"

#include <sqlite3.h>
#include <string.h>

typedef struct {
  sqlite3_file base;
  sqlite3_file *real; /* behind this struct */
  const char *path;   /* (borrowed) as long as it is open */
} FaultFile;

static sqlite3_vfs *real_vfs;
static gboolean remembers_synced;

static struct {
  GMutex lock;
  guint kinds;
  int after;
  int times;
  int count;
  guint then;
} plan;

/* Which of the kinds is to fail now, 0 for none. */
static guint
fails (guint kinds)
{
  guint hit;

  g_mutex_lock (&plan.lock);
  hit = plan.kinds & kinds;
  if (hit != 0 && plan.after > 0)
    {
      plan.after--;
      hit = 0;
    }
  else if (hit != 0 && plan.times == 0)
    hit = 0;
  else if (hit != 0)
    {
      plan.times -= plan.times > 0;
      plan.count++;
      if (plan.times == 0 && plan.then != 0)
        {
          plan.kinds = plan.then;
          plan.times = -1;
        }
    }
  g_mutex_unlock (&plan.lock);
  return hit;
}

void
fault_vfs_set (guint kinds, int after, int times)
{
  g_mutex_lock (&plan.lock);
  plan.kinds = kinds;
  plan.after = after;
  plan.times = times;
  plan.count = 0;
  plan.then = 0;
  g_mutex_unlock (&plan.lock);
}

void
fault_vfs_set_then (guint kinds)
{
  g_mutex_lock (&plan.lock);
  plan.then = kinds;
  g_mutex_unlock (&plan.lock);
}

int
fault_vfs_count (void)
{
  int count;

  g_mutex_lock (&plan.lock);
  count = plan.count;
  g_mutex_unlock (&plan.lock);
  return count;
}

static sqlite3_file *
real_of (sqlite3_file *file)
{
  return ((FaultFile *) file)->real;
}

static int
fault_close (sqlite3_file *file)
{
  return real_of (file)->pMethods->xClose (real_of (file));
}

static int
fault_read (sqlite3_file *file, void *data, int length, sqlite3_int64 offset)
{
  if (fails (FAULT_READ))
    return SQLITE_IOERR_READ;
  return real_of (file)->pMethods->xRead (real_of (file), data, length, offset);
}

static int
fault_write (sqlite3_file *file, const void *data, int length, sqlite3_int64 offset)
{
  const char *path = ((FaultFile *) (void *) file)->path;
  guint place = path != NULL && g_str_has_suffix (path, ".db") ? FAULT_PLACE : 0;
  guint hit = fails (FAULT_WRITE | FAULT_FULL | place);

  if (hit == 0)
    return real_of (file)->pMethods->xWrite (real_of (file), data, length, offset);
  if (length > 1)
    real_of (file)->pMethods->xWrite (real_of (file), data, length / 2, offset);
  return hit & FAULT_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int
fault_truncate (sqlite3_file *file, sqlite3_int64 size)
{
  if (fails (FAULT_TRUNCATE))
    return SQLITE_IOERR_TRUNCATE;
  return real_of (file)->pMethods->xTruncate (real_of (file), size);
}

static void
keep_synced (const char *path)
{
  g_autofree char *copy = g_strconcat (path, ".synced", NULL);
  g_autofree char *contents = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
  g_assert_true (g_file_set_contents_full (copy, contents, (gssize) length,
                                           G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

static int
fault_sync (sqlite3_file *file, int flags)
{
  if (fails (FAULT_SYNC))
    return SQLITE_IOERR_FSYNC;
  if (remembers_synced && ((FaultFile *) file)->path != NULL)
    keep_synced (((FaultFile *) file)->path);
  return real_of (file)->pMethods->xSync (real_of (file), flags);
}

void
fault_vfs_remember_synced (gboolean remember)
{
  remembers_synced = remember;
}

static int
fault_file_size (sqlite3_file *file, sqlite3_int64 *size)
{
  return real_of (file)->pMethods->xFileSize (real_of (file), size);
}

static int
fault_lock (sqlite3_file *file, int level)
{
  return real_of (file)->pMethods->xLock (real_of (file), level);
}

static int
fault_unlock (sqlite3_file *file, int level)
{
  return real_of (file)->pMethods->xUnlock (real_of (file), level);
}

static int
fault_check_reserved_lock (sqlite3_file *file, int *result)
{
  return real_of (file)->pMethods->xCheckReservedLock (real_of (file), result);
}

static int
fault_file_control (sqlite3_file *file, int operation, void *argument)
{
  return real_of (file)->pMethods->xFileControl (real_of (file), operation, argument);
}

static int
fault_sector_size (sqlite3_file *file)
{
  return real_of (file)->pMethods->xSectorSize (real_of (file));
}

static int
fault_device_characteristics (sqlite3_file *file)
{
  return real_of (file)->pMethods->xDeviceCharacteristics (real_of (file));
}

/* Version 1: no shared memory, which an exclusive lock does without, and no mapping. */
static const sqlite3_io_methods methods = {
  .iVersion = 1,
  .xClose = fault_close,
  .xRead = fault_read,
  .xWrite = fault_write,
  .xTruncate = fault_truncate,
  .xSync = fault_sync,
  .xFileSize = fault_file_size,
  .xLock = fault_lock,
  .xUnlock = fault_unlock,
  .xCheckReservedLock = fault_check_reserved_lock,
  .xFileControl = fault_file_control,
  .xSectorSize = fault_sector_size,
  .xDeviceCharacteristics = fault_device_characteristics,
};

static int
fault_open (sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
  FaultFile *self = (FaultFile *) (void *) file;
  int code;

  memset (self, 0, sizeof *self);
  if (fails (FAULT_OPEN))
    return SQLITE_CANTOPEN;
  self->real = (sqlite3_file *) (void *) (self + 1);
  self->path = name;
  code = real_vfs->xOpen (real_vfs, name, self->real, flags, out_flags);
  if (code == SQLITE_OK)
    self->base.pMethods = &methods;
  return code;
}

void
fault_vfs_install (void)
{
  static sqlite3_vfs vfs;

  real_vfs = sqlite3_vfs_find (NULL);
  vfs = *real_vfs;
  vfs.zName = "fault";
  vfs.pNext = NULL;
  vfs.szOsFile = (int) sizeof (FaultFile) + real_vfs->szOsFile;
  vfs.xOpen = fault_open;
  g_assert_cmpint (sqlite3_vfs_register (&vfs, 1), ==, SQLITE_OK);
}
