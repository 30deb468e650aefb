"""The simulated fulfilment network: demo extracts with a known truth, and the test-bed for policies.

Does not belong here: anything that the pipeline needs to run on a real company's data.
"""
