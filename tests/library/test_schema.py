from evocircuits.library import Library, schema


def test_sqlite_keeps_its_rollback_journal_and_syncs_fully(file_url):
    with Library(file_url).database.transaction() as connection:
        for pragma, value in (("journal_mode", "delete"), ("synchronous", 2), ("foreign_keys", 1)):
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


def test_every_row_but_a_lease_carries_a_checksum():
    without = {table.name for table in schema.tables.tables.values() if "checksum" not in table.c}
    assert without == {"about", "lease"}
