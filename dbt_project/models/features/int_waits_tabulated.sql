{{ config(materialized='ephemeral') }}

{{ life_tables() }}
