-- Macros that an adapter's SQL may call. Each gives back the text it was given when it cannot read it, so that the
-- landing check names the value that was met instead of an empty one.

-- Time, brought into the years that ICU can shift in any zone: beyond them it raises an error, which would end a landing.
create or replace macro bounded_time(value) as
    greatest(least(try_cast(value as timestamp), timestamp '9999-12-31 00:00:00'), timestamp '0001-01-02 00:00:00');

-- Local time in an IANA zone (ISO 8601 text) to UTC. An hour that the clocks skipped stays as text and is refused;
-- of an hour that comes twice, the second (standard time) is meant. Text with its own offset is taken at its word.
-- Nearly all texts are plain and exist: the first branch has no CASE, inside of which DuckDB would ask ICU anew each time
-- that an expression comes again. There a division by nought, which is null, hands the value to the second.
create or replace macro to_utc(value, zone) as coalesce(
    cast(
        make_timestamp(
            epoch_us(timezone(zone, bounded_time(value)))
            + 0 // cast(timezone(zone, timezone(zone, bounded_time(value))) = try_cast(value as timestamp) as bigint)
            + 0 // cast(length(value) = 19 and value[17] = ':' as bigint)
        ) as varchar
    ),
    case
        when regexp_matches(value, ':\d\d(\.\d+)?\s?(Z|UTC|[+-]\d\d(:?\d\d)?)$') then value
        when try_cast(value as timestamp) is null or try_cast(value as timestamp) <> bounded_time(value) then value
        when timezone(zone, timezone(zone, bounded_time(value))) <> try_cast(value as timestamp)
            then value || ' (does not exist in ' || zone || ')'
        else cast(timezone('UTC', timezone(zone, bounded_time(value))) as varchar)
    end
);

-- Time in a strptime format to ISO 8601 text, to be read on or handed to to_utc.
create or replace macro iso_time(value, format) as
    coalesce(cast(try_strptime(value, format) as varchar), value);

-- Seconds since 1970-01-01 UTC to ISO 8601 text.
create or replace macro iso_time_from_epoch(value) as
    case
        when try_cast(value as double) between -62135596800 and 253402300799  -- the years 1 to 9999
            then cast(timezone('UTC', to_timestamp(try_cast(value as double))) as varchar)
        else value
    end;

-- Number with a decimal comma, and perhaps points or blanks between thousands, to one with a decimal point.
create or replace macro decimal_comma(value) as
    case
        when regexp_full_match(value, '[+-]?\d+(,\d+)?') then replace(value, ',', '.')  -- nearly all, at half the cost
        when regexp_full_match(value, '\s*[+-]?(\d{1,3}([. \x{a0}]\d{3})+|\d+)(,\d+)?\s*')
            then replace(regexp_replace(value, '[. \x{a0}]', '', 'g'), ',', '.')
        else value
    end;

-- Text without blanks at its ends; null when nothing is left.
create or replace macro clean(value) as
    case
        when regexp_full_match(value, '[!-~]([ -~]*[!-~])?') then value  -- nearly all, at a third of the cost
        else nullif(trim(value, E' \t\r\n' || chr(160) || chr(12288)), '')
    end;

-- Text for comparing: lower case, without accents or blanks at its ends.
create or replace macro fold(value) as clean(lower(strip_accents(value)));
