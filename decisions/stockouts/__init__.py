"""Alerts of stock-outs as decisions: what to do about each, and how they fared.

Does not belong here: the forecasts (ml/jobs/forecast_stock), the command (orchestration.cli.stock).
"""
